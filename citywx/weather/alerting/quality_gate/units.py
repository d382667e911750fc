"""Values in another unit, and temperatures without their minus sign, one reading after another.

The tests are those of `citywx.weather.quality.units`, which needs no later reading for them.
"""

from math import isnan, nan, sqrt

from citywx.weather.alerting.quality_gate.change import Change
from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.quality.limits import LONGEST_STEP_HOURS, Limits


class Fahrenheit(Memory):
    """Since a jump that is none from °C to °F, and nearer to the value before it if converted."""

    __slots__ = ("anchor", "since")

    def __init__(self) -> None:
        self.since, self.anchor = nan, nan
        """When the run began, if one lasts, and the value before it."""

    def found(self, change: Change, limits: Limits) -> bool:
        """Whether the later temperature is in °F."""
        if (
            change.elapsed <= LONGEST_STEP_HOURS
            and abs(change.end - change.start) >= limits.unit_jump_k
        ):
            self._jump(change, limits.unit_continuity_k * sqrt(change.elapsed))
        if change.hours - self.since >= limits.unit_hours:
            self.since = nan
        value = change.end
        lasting = not isnan(self.since)
        return lasting and abs(celsius(value) - self.anchor) < abs(value - self.anchor)

    def _jump(self, change: Change, near: float) -> None:
        if change.end > change.start and abs(celsius(change.end) - change.start) <= near:
            self.since, self.anchor = change.hours, change.start
        elif change.end < change.start and abs(change.end - celsius(change.start)) <= near:
            self.since = nan


class SignDropped(Memory):
    """Since a jump from below zero to as far above, until one back or it can be so no more."""

    __slots__ = ("anchor", "since")

    def __init__(self) -> None:
        self.since, self.anchor = nan, nan

    def found(self, change: Change, limits: Limits) -> bool:
        """Whether the later temperature lacks its minus."""
        value, elapsed = change.end, change.elapsed
        if elapsed <= LONGEST_STEP_HOURS and (
            abs(value + change.start) <= limits.sign_continuity_k * sqrt(elapsed)
        ):
            self._mirrored(change, limits)
        if change.hours - self.since >= limits.unit_hours or value < limits.sign_ends_below_c:
            self.since = nan
        if value + self.anchor > limits.sign_ends_colder_k:
            self.since = nan
        return not isnan(self.since)

    def _mirrored(self, change: Change, limits: Limits) -> None:
        size = abs(change.size)
        if size < limits.sign_jump_k or change.score < limits.sign_jump_score:
            return
        if change.end > 0:
            self.since, self.anchor = change.hours, change.start
        elif change.end < 0:
            self.since = nan


def pressure_unit(value: float, limits: Limits) -> bool:
    """As large as pressures are in inches of mercury, kilopascal or pascal."""
    units = (limits.inches_of_mercury, limits.kilopascal, limits.pascal)
    return any(low <= value <= high for low, high in units)


def celsius(fahrenheit: float) -> float:
    """°F → °C."""
    return (fahrenheit - 32) / 1.8
