"""Values in another unit, and temperatures without their minus sign, one reading after another.

The tests are those of `citywx.weather.quality.units`, which needs no later reading for them.
"""

from datetime import datetime
from math import inf, isnan, log, nan, sqrt

from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.limits import (
    DRIEST_EXPLAINING,
    HUMIDITY_PER_K,
    LONGEST_STEP_HOURS,
    SHARE_EXPLAINED,
    Limits,
)


class Fahrenheit(Memory):
    """Since a jump that is none from °C to °F, and nearer to the value before it if converted."""

    __slots__ = ("anchor", "hours", "since", "value")

    def __init__(self) -> None:
        self.hours, self.value = -inf, nan
        self.since, self.anchor = nan, nan
        """When the run began, if one lasts, and the value before it."""

    def found(self, hours: float, value: float, limits: Limits) -> bool:
        """Whether this temperature is in °F."""
        rise, elapsed = value - self.value, hours - self.hours
        if elapsed <= LONGEST_STEP_HOURS and abs(rise) >= limits.unit_jump_k:
            self._jump(hours, value, limits.unit_continuity_k * sqrt(elapsed))
        self.hours, self.value = hours, value
        if not hours - self.since < limits.unit_hours:
            return False
        return abs(celsius(value) - self.anchor) < abs(value - self.anchor)

    def _jump(self, hours: float, value: float, near: float) -> None:
        earlier = self.value
        if value > earlier and abs(celsius(value) - earlier) <= near:
            self.since, self.anchor = hours, earlier
        elif value < earlier and abs(value - celsius(earlier)) <= near:
            self.since = nan


class SignDropped(Memory):
    """Since a jump from below zero to as far above, until one back or it can be so no more."""

    __slots__ = ("anchor", "hours", "humidity", "since", "value")

    def __init__(self) -> None:
        self.hours, self.value, self.humidity = -inf, nan, nan
        self.since, self.anchor = nan, nan

    def found(
        self, at: datetime, hours: float, value: float, humidity: float, against: Yardstick
    ) -> bool:
        """Whether this temperature lacks its minus."""
        limits = against.limits
        elapsed = hours - self.hours
        if elapsed <= LONGEST_STEP_HOURS and (
            abs(value + self.value) <= limits.sign_continuity_k * sqrt(elapsed)
        ):
            self._mirrored(at, hours, value, humidity, against)
        self.hours, self.value, self.humidity = hours, value, humidity
        if isnan(self.since):
            return False
        if value < limits.sign_ends_below_c or value + self.anchor > limits.sign_ends_colder_k:
            self.since = nan
        return hours - self.since < limits.unit_hours

    def _mirrored(
        self, at: datetime, hours: float, value: float, humidity: float, against: Yardstick
    ) -> None:
        limits = against.limits
        elapsed = hours - self.hours
        rise = value - self.value - against.norms.warming(at) * elapsed
        change = least_change(rise, rise - warming_explained(humidity, self.humidity))
        usual = against.usual("temperature_c", at) * sqrt(elapsed)
        if abs(change) < max(limits.sign_jump_k, limits.sign_jump_score * usual):
            return
        if value > 0:
            self.since, self.anchor = hours, self.value
        elif value < 0:
            self.since = nan


def pressure_unit(value: float, limits: Limits) -> bool:
    """As large as pressures are in inches of mercury, kilopascal or pascal."""
    units = (limits.inches_of_mercury, limits.kilopascal, limits.pascal)
    return any(low <= value <= high for low, high in units)


def celsius(fahrenheit: float) -> float:
    """°F → °C."""
    return (fahrenheit - 32) / 1.8


def warming_explained(humidity: float, earlier: float) -> float:
    """The change of temperature, K, that goes with a change of humidity; 0 where unknown."""
    if isnan(humidity) or isnan(earlier):
        return 0.0
    moistening = log(max(humidity, DRIEST_EXPLAINING)) - log(max(earlier, DRIEST_EXPLAINING))
    return -SHARE_EXPLAINED * moistening / HUMIDITY_PER_K


def moistening_explained(humidity: float, earlier: float, warming: float) -> float:
    """The change of humidity, %, that goes with a change of temperature, K; 0 where unknown."""
    if isnan(warming):
        return 0.0
    return -SHARE_EXPLAINED * HUMIDITY_PER_K * (humidity + earlier) / 2 * warming


def least_change(one: float, other: float) -> float:
    """The smaller of two that go the same way; 0 where they do not."""
    if one * other <= 0:
        return 0.0
    return one if abs(one) < abs(other) else other
