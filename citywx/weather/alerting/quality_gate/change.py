"""One change of a measure from a value to the next, and how much of it another measure explains.

The same for single readings as in `citywx.weather.quality.series` for whole series.
"""

from datetime import datetime
from math import inf, isnan, log, nan, sqrt
from typing import NamedTuple

from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.quality.limits import (
    DRIEST_EXPLAINING,
    HUMIDITY_PER_K,
    LONGEST_STEP_HOURS,
    SHARE_EXPLAINED,
)

MOISTENING_PER_K = -SHARE_EXPLAINED * HUMIDITY_PER_K / 2
"""The change of humidity, %, that goes with 1 K of warming, for 1 % in the sum of both values."""


class Last(Memory):
    """The last value that counts, when it was, and what another measure was then."""

    __slots__ = ("beside", "hours", "value")

    def __init__(self) -> None:
        self.hours, self.value, self.beside = -inf, nan, nan

    def set(self, hours: float, value: float, beside: float = nan) -> None:
        """A newer one."""
        self.hours, self.value, self.beside = hours, value, beside


class Value(NamedTuple):
    """A new value."""

    at: datetime
    hours: float
    """The same since 1970."""
    value: float
    beside: float
    """What another measure is at that time; not a number where it is not known."""


class Change(NamedTuple):
    """From the value before to this one."""

    hours: float
    """When, since 1970."""
    elapsed: float
    """Hours since the value before."""
    start: float
    """The value before."""
    end: float
    rise: float
    """In the measure's unit, less the usual course of the day."""
    unexplained: float
    """Less what another measure explains."""
    usual: float
    """Per √hour."""

    @property
    def near(self) -> bool:
        """Whether the two values can be compared."""
        return self.elapsed <= LONGEST_STEP_HOURS

    @property
    def per_root_hour(self) -> float:
        """What is not explained, per √hour; 0 from a value too long ago."""
        return abs(self.unexplained) / sqrt(self.elapsed) if self.near else 0.0

    @property
    def size(self) -> float:
        """What is left of it however it is explained."""
        return least_change(self.rise, self.unexplained)

    @property
    def score(self) -> float:
        """How many times the usual change."""
        return abs(self.size) / sqrt(self.elapsed) / self.usual


def warming_explained(humidity: float, earlier: float) -> float:
    """The change of temperature, K, that goes with a change of humidity; 0 where unknown."""
    if isnan(humidity) or isnan(earlier):
        return 0.0
    moistening = log(max(humidity, DRIEST_EXPLAINING)) - log(max(earlier, DRIEST_EXPLAINING))
    return -SHARE_EXPLAINED * moistening / HUMIDITY_PER_K


def least_change(one: float, other: float) -> float:
    """The smaller of two that go the same way; 0 where they do not."""
    if one * other <= 0:
        return 0.0
    return one if abs(one) < abs(other) else other
