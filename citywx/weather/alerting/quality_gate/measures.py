"""What is doubtful about each measure of a reading, in the order in which tests build on others."""

from math import nan

from citywx.weather.advice import phenomena
from citywx.weather.alerting.quality_gate.changes import (
    HumidityChanges,
    TemperatureChanges,
    WindChanges,
)
from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.jumps import Jump
from citywx.weather.alerting.quality_gate.levels import Level, pressure_reach
from citywx.weather.alerting.quality_gate.memory import Parts
from citywx.weather.alerting.quality_gate.units import Fahrenheit, SignDropped, pressure_unit
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.flags import QcFlag
from citywx.weather.reading import Reading


class Temperature(Parts):
    """Range, units, sign, climate, jumps."""

    __slots__ = ("_changes", "_fahrenheit", "_possible", "_sign")

    def __init__(self) -> None:
        self._fahrenheit, self._sign = Fahrenheit(), SignDropped()
        self._possible, self._changes = Level(), TemperatureChanges()

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about this temperature."""
        limits, at = against.limits, reading.timestamp
        humidity = nan if reading.humidity is None else reading.humidity
        fahrenheit = self._fahrenheit.found(hours, value, limits)
        signless = self._sign.found(at, hours, value, humidity, against)
        possible = limits.coldest_c <= value <= limits.hottest_c
        if not possible:
            doubts.fail(QcFlag.TEMPERATURE_RANGE)
        if fahrenheit:
            doubts.fail(QcFlag.TEMPERATURE_FAHRENHEIT)
        if signless:
            doubts.suspect(QcFlag.TEMPERATURE_SIGN)
        if against.norms.incredible("temperature_c", value, at):
            doubts.suspect(QcFlag.TEMPERATURE_CLIMATE)
        if not possible:
            return
        if not fahrenheit and not signless:
            self._judge_jump(reading, hours, value, against, doubts)
        self._changes.remember(at, hours, value, against)

    def _judge_jump(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        humidity = nan if reading.humidity is None else reading.humidity
        jump = self._changes.jump(reading.timestamp, hours, value, humidity, against)
        farthest = against.gate.impossible_temperature_step_k
        believed_after = against.limits.step_accepted_after_hours
        if self._possible.left(hours, value, farthest, believed_after):
            doubts.fail(QcFlag.TEMPERATURE_STEP)
        elif jump is Jump.STEP:
            doubts.suspect(QcFlag.TEMPERATURE_STEP)
        elif jump is Jump.SPIKE:
            doubts.suspect(QcFlag.TEMPERATURE_SPIKE)


class Humidity(Parts):
    """Range, rain in dry air, jumps."""

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes = HumidityChanges()

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about this humidity."""
        limits = against.limits
        if not limits.driest_percent <= value <= limits.wettest_percent:
            doubts.fail(QcFlag.HUMIDITY_RANGE)
        else:
            temperature = nan if reading.temperature_c is None else reading.temperature_c
            at = reading.timestamp
            jump = self._changes.judge(at, hours, value, temperature, against)
            if jump is not None:
                doubts.suspect(QcFlag.HUMIDITY_STEP if jump is Jump.STEP else QcFlag.HUMIDITY_SPIKE)
        if value < limits.dry_air_percent and "rain" in phenomena(reading.weather):
            doubts.suspect(QcFlag.RAIN_IN_DRY_AIR)


class Pressure(Parts):
    """Range, units, climate, levels."""

    __slots__ = ("_level", "_possible")

    def __init__(self) -> None:
        self._level, self._possible = Level(), Level()

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about this pressure."""
        limits, gate = against.limits, against.gate
        if not limits.lowest_pressure_hpa <= value <= limits.highest_pressure_hpa:
            doubts.fail(QcFlag.PRESSURE_RANGE)
            if pressure_unit(value, limits):
                doubts.fail(QcFlag.PRESSURE_UNIT)
            return
        if against.norms.incredible("pressure", value, reading.timestamp):
            doubts.suspect(QcFlag.PRESSURE_CLIMATE)
        reach = pressure_reach(hours - self._level.hours, limits)
        accepted_after = gate.level_accepted_after_hours
        farthest = gate.impossible_pressure_step_hpa
        off = self._level.left(hours, value, reach, accepted_after)
        if self._possible.left(hours, value, farthest, limits.step_accepted_after_hours):
            doubts.fail(QcFlag.PRESSURE_STEP)
        elif off:
            doubts.suspect(QcFlag.PRESSURE_LEVEL)


class Wind(Parts):
    """Range, climate, jumps upward."""

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes = WindChanges()

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about this wind speed."""
        if not 0.0 <= value <= against.limits.strongest_wind_m_s:
            doubts.fail(QcFlag.WIND_RANGE)
            return
        if against.norms.incredible("wind_speed", value, reading.timestamp):
            doubts.suspect(QcFlag.WIND_CLIMATE)
        if self._changes.judge(reading.timestamp, hours, value, against) is not None:
            doubts.suspect(QcFlag.WIND_SPIKE)
