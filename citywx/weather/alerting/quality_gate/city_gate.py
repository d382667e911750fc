"""All tests of one city's readings."""

from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.measures import Humidity, Pressure, Temperature, Wind
from citywx.weather.alerting.quality_gate.memory import Parts
from citywx.weather.alerting.quality_gate.stuck import Stuck
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.reading import Reading


class CityGate(Parts):
    """What all tests remember of one city."""

    __slots__ = ("_humidity", "_pressure", "_stuck", "_temperature", "_wind")

    def __init__(self) -> None:
        self._temperature, self._humidity = Temperature(), Humidity()
        self._pressure, self._wind = Pressure(), Wind()
        self._stuck = Stuck()

    def judge(self, reading: Reading, hours: float, against: Yardstick) -> Doubts:
        """What is doubtful about a reading, which is newer than all before it."""
        doubts = Doubts()
        _, _, temperature, humidity, pressure, wind, *_ = reading
        if temperature is not None:
            self._temperature.judge(reading, hours, temperature, against, doubts)
        if humidity is not None:
            self._humidity.judge(reading, hours, humidity, against, doubts)
        if pressure is not None:
            self._pressure.judge(reading, hours, pressure, against, doubts)
        if wind is not None:
            self._wind.judge(reading, hours, wind, against, doubts)
        doubts.suspecting += self._stuck.flags(hours, reading[2:6], against.limits)
        return doubts
