"""The way of a front: which cities count, which are near each other, and in which order."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from citywx.weather.alerting.patterns.places import Places


class Reached(NamedTuple):
    """A front reached a city."""

    seconds: float
    """Unix time."""
    city: str


class Route:
    """Where a front may go; without an order and a distance, anywhere."""

    def __init__(self, order: Sequence[str], within_km: float | None, places: Places) -> None:
        self._positions = {city: place for place, city in enumerate(order)}
        self._within_km = within_km
        self._places = places

    def counts(self, city: str) -> bool:
        """Whether the city may belong to a front."""
        return not self._positions or city in self._positions

    def continues(self, front: Sequence[Reached], here: Reached) -> bool:
        """Whether a front that has reached some cities goes on here."""
        onward = not self._positions or self._follows(front[-1], here)
        return onward and self._linked({one.city for one in front}, here.city)

    def longest(self, here: Reached, recent: Mapping[str, Reached]) -> list[Reached]:
        """The front with the most cities among the recent ones, linked with this one."""
        near = sorted(self._cluster(here, recent), key=self._rank)
        if not self._positions:
            return near
        longest: list[list[Reached]] = []
        for one in near:
            before = [way for way in longest if self._follows(way[-1], one)]
            longest.append([*max(before, key=len, default=[]), one])
        return max(longest, key=len)

    def _rank(self, one: Reached) -> tuple[float, int, str]:
        return (one.seconds, self._positions.get(one.city, 0), one.city)

    def _follows(self, before: Reached, after: Reached) -> bool:
        return self._positions[before.city] < self._positions[after.city]

    def _linked(self, cities: set[str], city: str) -> bool:
        if self._within_km is None:
            return True
        return not cities.isdisjoint(self._places.near(city, self._within_km))

    def _cluster(self, here: Reached, recent: Mapping[str, Reached]) -> list[Reached]:
        """Recent cities that are linked with this one, directly or through others."""
        if self._within_km is None:
            return list(recent.values())
        found, waiting = {here.city}, [here.city]
        while waiting:
            near = self._places.near(waiting.pop(), self._within_km)
            linked = {city for city in near if city in recent} - found
            found |= linked
            waiting += linked
        return [recent[city] for city in found]
