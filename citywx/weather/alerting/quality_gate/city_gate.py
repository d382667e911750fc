"""All tests of one city's readings."""

from math import inf

from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.humidity import Humidity
from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.alerting.quality_gate.pressure import Pressure
from citywx.weather.alerting.quality_gate.stuck import Report
from citywx.weather.alerting.quality_gate.temperature import Temperature
from citywx.weather.alerting.quality_gate.wind import Wind
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.flags import QcFlag
from citywx.weather.reading import Reading


class CityGate(Memory):
    """What all tests remember of one city."""

    __slots__ = ("_humidity", "_newest", "_pressure", "_report", "_temperature", "_wind")

    def __init__(self) -> None:
        self._temperature, self._humidity = Temperature(), Humidity()
        self._pressure, self._wind = Pressure(), Wind()
        self._report = Report()
        self._newest = -inf

    def judge(self, reading: Reading, hours: float, against: Yardstick, doubts: Doubts) -> None:
        """Add what is doubtful about a reading; nothing where it is not newer than the last."""
        if hours <= self._newest:
            return
        self._newest = hours
        measures = temperature, humidity, pressure, wind = reading[2:6]
        if temperature is not None:
            self._temperature.judge(reading, hours, temperature, against, doubts)
        if humidity is not None:
            self._humidity.judge(reading, hours, humidity, against, doubts)
        if pressure is not None:
            self._pressure.judge(reading, hours, pressure, against, doubts)
        if wind is not None:
            self._wind.judge(reading, hours, wind, against, doubts)
        stuck = self._report.stuck(hours, measures, against.limits)
        doubts.suspect(QcFlag.ALL_STUCK, where=stuck)
