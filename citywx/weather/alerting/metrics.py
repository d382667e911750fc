"""What rules and patterns can watch: the measures, and what is derived from one reading alone."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from citywx.weather.comfort import dew_point, heat_index, humidex, wind_chill
from citywx.weather.reading import Reading

Value = Callable[[Reading], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity that one reading gives, or does not."""

    name: str
    unit: str
    of: Value
    """Its value in a reading; None where what it is made of was not reported."""


def _of_two(
    formula: Callable[[float, float], float], first: str, second: str
) -> Callable[[Reading], float | None]:
    one, other = attrgetter(first), attrgetter(second)

    def value(reading: Reading) -> float | None:
        a, b = one(reading), other(reading)
        return None if a is None or b is None else formula(a, b)

    return value


def _dew_point(temperature_c: float, humidity: float) -> float:
    return dew_point(temperature_c, max(humidity, 1.0))  # 0 % has none; sensors report it


METRICS = {
    metric.name: metric
    for metric in (
        Metric("temperature_c", "°C", attrgetter("temperature_c")),
        Metric("humidity", "%", attrgetter("humidity")),
        Metric("pressure", "hPa", attrgetter("pressure")),
        Metric("wind_speed", "m/s", attrgetter("wind_speed")),
        Metric("dew_point", "°C", _of_two(_dew_point, "temperature_c", "humidity")),
        Metric("heat_index", "°C", _of_two(heat_index, "temperature_c", "humidity")),
        Metric("humidex", "°C", _of_two(humidex, "temperature_c", "humidity")),
        Metric("wind_chill", "°C", _of_two(wind_chill, "temperature_c", "wind_speed")),
    )
}
"""By name."""
