"""What the tests look at: the readings of one source in one city, in order, and the evidence.

Arrays only: one element a reading, not a number where nothing is known. No judgement here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np

from citywx.weather.climatology import Climatology
from citywx.weather.quality.limits import Limits
from citywx.weather.quality.series import Bools, Floats, Places

MICROSECONDS_PER_HOUR: Final = 3_600_000_000
_HOURS_PER_DAY: Final = 24
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class Observations:
    """One source's readings in the order of their times, which do not repeat."""

    hours: Floats
    """Time since 1970, UTC."""
    months: Places
    """Calendar month of each, from 0, UTC."""
    measures: Mapping[str, Floats]
    """In their units; not a number: not reported."""
    rain: Bools
    """Whether the weather in words names rain."""
    delay_hours: Floats
    """From the reading's time until it was fetched."""
    others: Mapping[str, Floats]
    """What another source says of the measures at these times."""
    nearby_c: Floats
    """The temperature of a city close by, °C."""
    climatology: Climatology
    limits: Limits
    _known: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, compute: Callable[["Observations"], _Result]) -> _Result:
        """What `compute` makes of these; computed once, for all tests that build on it."""
        if compute not in self._known:
            self._known[compute] = compute(self)
        result: _Result = self._known[compute]
        return result

    @property
    def reported(self) -> Bools:
        """Which readings have any measure."""
        known: Bools = np.logical_or.reduce([~np.isnan(v) for v in self.measures.values()])
        return known

    @property
    def hour_of_day(self) -> Places:
        """0 to 23, UTC."""
        return (self.hours % _HOURS_PER_DAY).astype("intp")
