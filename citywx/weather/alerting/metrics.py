"""What rules and patterns can watch: the measures, and what is derived from one reading alone."""

from collections.abc import Callable, Collection
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
    measures: tuple[str, ...]
    """What it is made of."""

    def doubted_by(self, suspect: Collection[str]) -> bool:
        """Whether one of its measures is among the doubtful ones."""
        return any(measure in suspect for measure in self.measures)


def _measure(name: str, unit: str) -> Metric:
    return Metric(name, unit, attrgetter(name), (name,))


def _derived(
    name: str, unit: str, formula: Callable[[float, float], float], first: str, second: str
) -> Metric:
    one, other = attrgetter(first), attrgetter(second)

    def value(reading: Reading) -> float | None:
        a, b = one(reading), other(reading)
        return None if a is None or b is None else formula(a, b)

    return Metric(name, unit, value, (first, second))


METRICS = {
    metric.name: metric
    for metric in (
        _measure("temperature_c", "°C"),
        _measure("humidity", "%"),
        _measure("pressure", "hPa"),
        _measure("wind_speed", "m/s"),
        _derived("dew_point", "°C", dew_point, "temperature_c", "humidity"),
        _derived("heat_index", "°C", heat_index, "temperature_c", "humidity"),
        _derived("humidex", "°C", humidex, "temperature_c", "humidity"),
        _derived("wind_chill", "°C", wind_chill, "temperature_c", "wind_speed"),
    )
}
"""By name."""
