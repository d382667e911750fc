"""What is normal in one city's readings: plain numbers that say how each measure moves.

Learning it belongs in `fitting`, looking at readings with it in `signals`.
"""

from dataclasses import dataclass
from typing import Final

HOURS: Final = 24
RESOLUTION: Final = (0.1, 1.0, 1.0, 1.0)
"""K, %, hPa, m/s: the steps in which feeds report. Nothing finer is ever called unusual."""
LEARNING: Final = 1 / 8
"""What share of a day's deviation becomes usual."""
ROUGH_HOURS: Final = 6.0
LEVEL_HOURS: Final = 3.0
DRIFT_HOURS: Final = 16.0
"""Time constants of the moving means of unsteadiness, of level and of drift."""

Hourly = tuple[float, ...]
"""A number for each hour of the UTC day."""


@dataclass(frozen=True, slots=True)
class MeasureNormal:
    """One measure's, in its unit."""

    usual: Hourly
    """The value at each hour, over the last days of the history."""
    reach: float
    """By how much one reading may at most differ from `usual` and be learnt from as it is."""
    momentum: float
    """How much of the last change goes on, −1 to 1."""
    pull: float
    """What share of a deviation from `usual` is added until the next reading; mostly below 0."""
    change: Hourly
    """The size of what cannot be foreseen of a change."""
    bend: Hourly
    """The median second difference of three readings, by the hour of the last."""
    bend_size: Hourly
    """Its robust standard deviation."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a measure differs from that of a neighbour: another city, or another source."""

    measure: int
    """Its place in `MEASURES`."""
    neighbour: str
    normal: MeasureNormal
    """Of what is left: it is judged as if it were one more measure."""


@dataclass(frozen=True, slots=True)
class Normal:
    """One city's."""

    cadence: int
    """Hours from one reading that is looked at to the next; a divisor of 24."""
    measures: tuple[MeasureNormal, ...]
    """In the order of `MEASURES`."""
    differences: tuple[Difference, ...] = ()
