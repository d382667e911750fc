"""All tests, in the order of their flags, and running them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from citywx.weather.quality import (
    buddies,
    changes,
    consistency,
    persistence,
    pressure_level,
    ranges,
    units,
)
from citywx.weather.quality.flags import BIT, QcFlag
from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.quality.masks import Masks
from citywx.weather.quality.observations import Observations
from citywx.weather.quality.series import Bools

Test = Callable[[Observations], Bools]

TESTS: Final[Mapping[QcFlag, Test]] = MappingProxyType(
    {
        QcFlag.TEMPERATURE_RANGE: ranges.temperature_range,
        QcFlag.HUMIDITY_RANGE: ranges.humidity_range,
        QcFlag.PRESSURE_RANGE: ranges.pressure_range,
        QcFlag.WIND_RANGE: ranges.wind_range,
        QcFlag.TEMPERATURE_FAHRENHEIT: units.fahrenheit,
        QcFlag.TEMPERATURE_SIGN: units.sign_dropped,
        QcFlag.PRESSURE_UNIT: units.pressure_unit,
        QcFlag.TEMPERATURE_CLIMATE: ranges.temperature_climate,
        QcFlag.PRESSURE_CLIMATE: ranges.pressure_climate,
        QcFlag.WIND_CLIMATE: ranges.wind_climate,
        QcFlag.TEMPERATURE_SPIKE: changes.temperature_spike,
        QcFlag.HUMIDITY_SPIKE: changes.humidity_spike,
        QcFlag.WIND_SPIKE: changes.wind_spike,
        QcFlag.TEMPERATURE_STEP: changes.temperature_step,
        QcFlag.HUMIDITY_STEP: changes.humidity_step,
        QcFlag.PRESSURE_STEP: pressure_level.pressure_step,
        QcFlag.PRESSURE_LEVEL: pressure_level.pressure_level,
        QcFlag.TEMPERATURE_STUCK: persistence.temperature_stuck,
        QcFlag.HUMIDITY_STUCK: persistence.humidity_stuck,
        QcFlag.PRESSURE_STUCK: persistence.pressure_stuck,
        QcFlag.WIND_STUCK: persistence.wind_stuck,
        QcFlag.ALL_STUCK: persistence.all_stuck,
        QcFlag.RAIN_IN_DRY_AIR: consistency.rain_in_dry_air,
        QcFlag.SOURCES_DISAGREE: buddies.temperature_disagrees,
        QcFlag.HUMIDITY_DISAGREES: buddies.humidity_disagrees,
        QcFlag.PRESSURE_DISAGREES: buddies.pressure_disagrees,
        QcFlag.NEARBY_DISAGREES: buddies.nearby_disagrees,
        QcFlag.LATE: consistency.late,
    }
)
"""The test that raises each flag; IMPUTED is raised where values are filled in."""


def run_tests(seen: Observations) -> Masks:
    """The flags of each reading, as a mask."""
    masks = np.zeros(len(seen.hours), dtype=np.int64)
    for flag, test in TESTS.items():
        masks[seen.once(test)] |= BIT[flag]
    return masks


def in_context(seen: Observations) -> Bools:
    """Which readings have another close enough in time to be compared with."""
    close = np.diff(seen.hours) <= LONGEST_STEP_HOURS
    context = np.zeros(len(seen.hours), dtype=np.bool_)
    context[1:] |= close
    context[:-1] |= close
    return context
