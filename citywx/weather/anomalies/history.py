"""A city's readings thinned to one in each slot of time, as training takes them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.anomalies.normal import HOURS

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

CADENCES: Final = (1, 2, 3, 6)
"""Hours from one reading that is looked at to the next."""

_MICROSECONDS_PER_HOUR: Final = 3_600_000_000
_LATE: Final = 1.2  # a reading an hour may come a little later than that
_COVERED: Final = 0.5  # of the slots of the days asked for


@dataclass(frozen=True, eq=False)
class History:
    """One series of readings."""

    cadence: int
    """Hours; 0 where readings are too rare for any model."""
    slots: Places
    """Hours since 1970 over the cadence; ascending."""
    values: Floats
    """A row a slot, a column a measure; not a number where none was reported or believed."""

    @classmethod
    def of(cls, microseconds: Places, values: Floats) -> "History":
        """From ascending times since 1970; of each slot its first reading."""
        cadence = _cadence(microseconds)
        slots = microseconds // (_MICROSECONDS_PER_HOUR * max(cadence, 1))
        reported = np.isfinite(values).any(axis=1)
        slots, first = np.unique(slots[reported], return_index=True)
        return cls(cadence, slots, values[reported][first])

    def too_little(self, days: int) -> str:
        """Why no model can be learnt from it; empty where one can."""
        if not len(self.slots):
            return "no readings"
        if not self.cadence:
            return f"readings are more than {CADENCES[-1]} hours apart"
        span = (self.slots[-1] - self.slots[0] + 1) * self.cadence / HOURS
        covered = len(self.slots) * self.cadence / HOURS
        if span < days or covered < days * _COVERED:
            return f"{covered:.0f} days of readings; {days} are needed"
        return ""

    def time(self, place: int) -> datetime:
        """The beginning of the slot at that place."""
        return datetime.fromtimestamp(int(self.slots[place]) * self.cadence * 3600, UTC)


def _cadence(microseconds: Places) -> int:
    if len(microseconds) < 2:  # noqa: PLR2004 - one difference
        return 0
    hours = float(np.median(np.diff(microseconds))) / _MICROSECONDS_PER_HOUR
    return next((one for one in CADENCES if hours <= one * _LATE), 0)
