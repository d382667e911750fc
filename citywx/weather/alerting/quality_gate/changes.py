"""Changes of temperature, humidity and wind, one reading after another, and what stands out.

The measures are those of `citywx.weather.quality.changes`.
"""

from datetime import datetime
from math import inf, nan, sqrt

from citywx.weather.alerting.quality_gate.jumps import Change, Jump, Jumps
from citywx.weather.alerting.quality_gate.memory import Memory, Parts
from citywx.weather.alerting.quality_gate.recent import RecentChanges
from citywx.weather.alerting.quality_gate.units import moistening_explained, warming_explained
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.limits import LONGEST_STEP_HOURS


class Last(Memory):
    """The last value of a measure, when it was, and what another measure was then."""

    __slots__ = ("beside", "hours", "value")

    def __init__(self) -> None:
        self.hours, self.value, self.beside = -inf, nan, nan

    def set(self, hours: float, value: float, beside: float) -> None:
        """A newer one."""
        self.hours, self.value, self.beside = hours, value, beside


class TemperatureChanges(Parts):
    """Warming and cooling, K, less the usual of the hour; partly explained by humidity."""

    __slots__ = ("_every", "_jumps", "_recent", "_trusted")

    def __init__(self) -> None:
        self._every, self._trusted = Last(), Last()
        self._recent, self._jumps = RecentChanges(), Jumps()

    def remember(self, at: datetime, hours: float, value: float, against: Yardstick) -> None:
        """One more possible temperature, trusted or not."""
        every = self._every
        elapsed = hours - every.hours
        size = 0.0
        if elapsed <= LONGEST_STEP_HOURS:
            rise = value - every.value - against.norms.warming(at) * elapsed
            size = abs(rise) / sqrt(elapsed)
        self._recent.add(hours, size, against.limits.temperature_change)
        every.set(hours, value, nan)

    def jump(
        self, at: datetime, hours: float, value: float, humidity: float, against: Yardstick
    ) -> Jump | None:
        """What a trusted temperature stands out as; before it is remembered."""
        jump = self._judge(at, hours, value, humidity, against)
        self._trusted.set(hours, value, humidity)
        return jump

    def _judge(
        self, at: datetime, hours: float, value: float, humidity: float, against: Yardstick
    ) -> Jump | None:
        last, its = self._trusted, against.limits.temperature_change
        elapsed = hours - last.hours
        if elapsed > LONGEST_STEP_HOURS:
            self._jumps.forget()
            return None
        rise = value - last.value - against.norms.warming(at) * elapsed
        if abs(rise) < its.least_spike and self._jumps.quiet:
            return None
        unexplained = rise - warming_explained(humidity, last.beside)
        usual = self._recent.usual(hours, against.usual("temperature_c", at), its)
        change = Change(hours, elapsed, last.value, value, rise, unexplained, usual)
        return self._jumps.judge(change, its, against.limits.step_accepted_after_hours)


class HumidityChanges(Parts):
    """Changes of relative humidity, %, partly explained by those of temperature."""

    __slots__ = ("_jumps", "_last", "_recent")

    def __init__(self) -> None:
        self._last, self._recent, self._jumps = Last(), RecentChanges(), Jumps()

    def judge(
        self, at: datetime, hours: float, value: float, temperature: float, against: Yardstick
    ) -> Jump | None:
        """What a possible humidity stands out as."""
        last, its = self._last, against.limits.humidity_change
        elapsed = hours - last.hours
        jump, size = None, 0.0
        if elapsed > LONGEST_STEP_HOURS:
            self._jumps.forget()
        else:
            rise = value - last.value
            explained = moistening_explained(value, last.value, temperature - last.beside)
            size = abs(rise - explained) / sqrt(elapsed)
            if abs(rise) >= its.least_spike or not self._jumps.quiet:
                usual = self._recent.usual(hours, against.usual("humidity", at), its)
                change = Change(hours, elapsed, last.value, value, rise, rise - explained, usual)
                jump = self._jumps.judge(change, its, against.limits.step_accepted_after_hours)
        self._recent.add(hours, size, its)
        last.set(hours, value, temperature)
        return jump


class WindChanges(Parts):
    """Changes of wind speed, m/s; lulls are real."""

    __slots__ = ("_last", "_recent")

    def __init__(self) -> None:
        self._last, self._recent = Last(), RecentChanges()

    def judge(self, at: datetime, hours: float, value: float, against: Yardstick) -> Jump | None:
        """What a possible wind speed stands out as."""
        last, its = self._last, against.limits.wind_change
        elapsed = hours - last.hours
        jump, size = None, 0.0
        if elapsed <= LONGEST_STEP_HOURS:
            rise = value - last.value
            size = abs(rise) / sqrt(elapsed)
            if rise >= its.least_spike:
                usual = self._recent.usual(hours, against.usual("wind_speed", at), its)
                jump = Jump.SPIKE if size / usual > its.spike else None
        self._recent.add(hours, size, its)
        last.set(hours, value, nan)
        return jump
