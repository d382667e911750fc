"""All tests, in the order of their flags, and running them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from citywx.weather.quality import ranges
from citywx.weather.quality.flags import BIT, Masks, QcFlag
from citywx.weather.quality.observations import Bools, Observations

Test = Callable[[Observations], Bools]

TESTS: Final[Mapping[QcFlag, Test]] = MappingProxyType(
    {
        QcFlag.TEMPERATURE_RANGE: ranges.temperature_range,
        QcFlag.HUMIDITY_RANGE: ranges.humidity_range,
        QcFlag.PRESSURE_RANGE: ranges.pressure_range,
        QcFlag.WIND_RANGE: ranges.wind_range,
    }
)
"""The test that raises each flag."""


def run_tests(seen: Observations) -> Masks:
    """The flags of each reading, as a mask."""
    masks = np.zeros(len(seen.hours), dtype=np.int64)
    for flag, test in TESTS.items():
        masks[test(seen)] |= BIT[flag]
    return masks


def in_context(seen: Observations) -> Bools:
    """Which readings have another close enough in time to be compared with."""
    longest = seen.limits.longest_step.total_seconds() / 3600
    close = np.diff(seen.hours) <= longest
    context = np.zeros(len(seen.hours), dtype=np.bool_)
    context[1:] |= close
    context[:-1] |= close
    return context
