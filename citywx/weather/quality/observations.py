"""What the tests look at: the readings of one source in one city, in order, and the evidence.

Arrays only: one element a reading, not a number where nothing is known. No judgement here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.climatology import Climatology
from citywx.weather.quality.limits import Limits

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MICROSECONDS_PER_HOUR: Final = 3_600_000_000


@dataclass(frozen=True, eq=False)
class Observations:
    """One source's readings in the order of their times, which do not repeat."""

    hours: Floats
    """Time since 1970, UTC."""
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

    @property
    def reported(self) -> Bools:
        """Which readings have any measure."""
        known: Bools = np.logical_or.reduce([~np.isnan(v) for v in self.measures.values()])
        return known
