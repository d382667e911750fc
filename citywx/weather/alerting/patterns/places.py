"""Which cities are near each other."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping

_EARTH_KM = 6371.0
_KM_PER_DEGREE = _EARTH_KM * math.pi / 180


class Places:
    """Where cities are: (latitude, longitude) in degrees north and east."""

    def __init__(self, coordinates: Mapping[str, tuple[float, float]]) -> None:
        self._coordinates = dict(coordinates)
        self._northward = sorted((at[0], city) for city, at in self._coordinates.items())
        self._latitudes = [latitude for latitude, _ in self._northward]
        self._near: dict[tuple[str, float], tuple[str, ...]] = {}

    def near(self, city: str, within_km: float) -> tuple[str, ...]:
        """The other cities at most so far away, the nearest first; none where it is unknown."""
        key = (city, within_km)
        if key not in self._near:
            self._near[key] = self._found(city, within_km)
        return self._near[key]

    def _found(self, city: str, within_km: float) -> tuple[str, ...]:
        here = self._coordinates.get(city)
        if here is None:
            return ()
        reach = within_km / _KM_PER_DEGREE
        first = bisect_left(self._latitudes, here[0] - reach)
        last = bisect_right(self._latitudes, here[0] + reach)
        others = [other for _, other in self._northward[first:last] if other != city]
        distances = sorted((distance_km(here, self._coordinates[other]), other) for other in others)
        return tuple(other for distance, other in distances if distance <= within_km)


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the great circle.

    >>> round(distance_km((51.5, -0.1), (48.9, 2.4)))  # London, Paris
    339
    """
    (north, east), (other_north, other_east) = (map(math.radians, at) for at in (one, other))
    chord = (
        math.sin((other_north - north) / 2) ** 2
        + math.cos(north) * math.cos(other_north) * math.sin((other_east - east) / 2) ** 2
    )
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(chord)))
