"""Falls of pressure in hourly readings, which of them are smooth, and jumps between levels.

A fall is smooth where no hour from 6 before to 3 after it brings a change of more than 3 hPa. That
is a proxy: most other falls are jumps of a feed, and a squall may be among them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.quality.series import median_around

Floats = NDArray[np.float64]

FALL_HPA: Final = 3.6
WITHIN_HOURS: Final = 3
JUMP_HPA: Final = 3.0
ONE_EVENT_HOURS: Final = 6
_BEFORE_HOURS, _AFTER_HOURS = 6, 3
_LEVEL_HOURS: Final = 24.0
_FARTHEST_LEVEL_HPA: Final = 40.0  # farther is out of any range


@dataclass(frozen=True, slots=True)
class Span:
    """From one hour to another, both included."""

    first: float
    last: float

    def meets(self, other: "Span", early: float = 0.0, late: float = 0.0) -> bool:
        """Whether the other lies in it, in part at least, or so many hours before or after."""
        return other.first <= self.last + late and other.last >= self.first - early


def falls(pressures: Floats) -> list[Span]:
    """Hours with a fall of 3.6 hPa in 3 h; of one event where at most 6 h lie between them."""
    fallen = pressures[:-WITHIN_HOURS] - pressures[WITHIN_HOURS:]
    spans: list[Span] = []
    for hour in np.flatnonzero(fallen >= FALL_HPA) + WITHIN_HOURS:
        follows = bool(spans) and hour - spans[-1].last <= ONE_EVENT_HOURS
        first = spans.pop().first if follows else float(hour)
        spans.append(Span(first, float(hour)))
    return spans


def smooth_falls(pressures: Floats) -> list[Span]:
    """The falls without a jump around them."""
    jumps = np.abs(np.diff(pressures, prepend=np.nan)) > JUMP_HPA
    return [span for span in falls(pressures) if not jumps[_around(span)].any()]


def flips(pressures: Floats) -> Floats:
    """How far each hour is off the level that most of the day before and after have, hPa."""
    known = np.flatnonzero(~np.isnan(pressures))
    changes = np.diff(pressures[known], prepend=pressures[known[0]])
    levels = np.cumsum(np.where(np.abs(changes) > JUMP_HPA, changes, 0.0))
    off = np.zeros(len(pressures))
    off[known] = np.rint(levels - median_around(known.astype("float64"), levels, _LEVEL_HOURS))
    return np.where(np.abs(off) > _FARTHEST_LEVEL_HPA, 0.0, off)


def _around(span: Span) -> slice:
    return slice(max(int(span.first) - _BEFORE_HOURS, 0), int(span.last) + _AFTER_HOURS + 1)
