"""`spread`: the same event in several cities within a time, as a moving front brings it.

One front is one finding, of the city that it reached first; its details name all cities with the
times at which it reached them. It goes on while the next city follows within the time, and ends
that time after the last one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from citywx.weather.alerting.finding import Detector, Finding
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.conditions import Condition
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.patterns.remembering import Remembering
from citywx.weather.alerting.patterns.route import Reached, Route
from citywx.weather.reading import Reading

KEYS = ("condition", "reached", "within", "order", "within_km")
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Spread:
    """A condition begins to hold in so many cities within a time."""

    crosses_cities: ClassVar[bool] = True
    metric: ClassVar[None] = None
    condition: Condition
    reached: int
    """Cities."""
    within: timedelta
    order: tuple[str, ...]
    """The cities that count, in the order of their way; none: all, in any order."""
    within_km: float | None
    """From each city to another one of the front; None: anywhere."""

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return SpreadDetector(self, feed)


def read(reader: PatternReader) -> Spread:
    """The table of a `spread`."""
    within = reader.span()
    reached = reader.count("reached", _FEWEST)
    return Spread(
        condition=reader.condition("condition", within),
        reached=reached,
        within=within,
        order=reader.names("order", reached) if "order" in reader else (),
        within_km=reader.positive("within_km") if "within_km" in reader else None,
    )


class SpreadDetector(Remembering):
    """Follows fronts, by the first city of each."""

    def __init__(self, pattern: Spread, feed: Feed) -> None:
        super().__init__(pattern)
        self._pattern = pattern
        self._watch = pattern.condition.watch(feed)
        self._seconds = feed.clock.of
        self._span = pattern.within.total_seconds()
        self._route = Route(pattern.order, pattern.within_km, feed.places)
        self._recent: dict[str, Reached] = {}
        """Where the condition began and that belong to no front."""
        self._fronts: dict[str, list[Reached]] = {}
        self._newest: dict[str, float] = {}
        """Unix time at which each front reached its last city so far."""

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding of each front that begins, goes on, or has ended."""
        findings = self._ended(reading) if self._fronts else []
        held = reading.city in self._watch.holding
        if self._watch.holds(reading) and not held and self._route.counts(reading.city):
            findings += self._reached(Reached(self._seconds(reading), reading.city))
        if reading.city in self._fronts and all(one.city != reading.city for one in findings):
            findings.append(self._finding(reading.city, reading.timestamp))
        return findings

    def _ended(self, reading: Reading) -> list[Finding]:
        oldest = self._seconds(reading) - self._span
        over = [first for first, newest in self._newest.items() if newest < oldest]
        return [self._end(first) for first in over]

    def _end(self, first: str) -> Finding:
        """The moment of the end does not depend on whose reading shows it."""
        at = datetime.fromtimestamp(self._newest.pop(first) + self._span, UTC)
        return Finding(first, at, 0, len(self._fronts.pop(first)), self._pattern.reached)

    def _reached(self, here: Reached) -> Iterable[Finding]:
        if any(here.city in (one.city for one in front) for front in self._fronts.values()):
            return
        for first, front in self._fronts.items():
            if self._route.continues(front, here):
                front.append(here)
                yield self._told(first)
                return
        self._recent = {
            city: one
            for city, one in self._recent.items()
            if here.seconds - one.seconds <= self._span
        }
        self._recent.setdefault(here.city, here)
        front = self._route.longest(here, self._recent)
        if len(front) >= self._pattern.reached:
            for one in front:
                del self._recent[one.city]
            self._fronts[front[0].city] = front
            yield self._told(front[0].city)

    def _told(self, first: str) -> Finding:
        newest = self._newest[first] = max(one.seconds for one in self._fronts[first])
        return self._finding(first, datetime.fromtimestamp(newest, UTC))

    def _finding(self, first: str, observed_at: datetime) -> Finding:
        front = self._fronts[first]
        cities = [{"city": one.city, "at": plain.stamp(one.seconds)} for one in front]
        return Finding(first, observed_at, 1, len(front), self._pattern.reached, {"cities": cities})

    def _dump(self) -> object:
        recent = [list(one) for one in self._recent.values()]
        fronts = [[list(one) for one in front] for front in self._fronts.values()]
        return [recent, fronts, self._watch.dump()]

    def _restore(self, state: object) -> None:
        recent, fronts, watch = plain.parts(state, 3)
        self._recent = {one.city: one for one in _cities(recent)}
        self._fronts, self._newest = {}, {}
        for front in plain.several(fronts):
            cities = _cities(front)
            if len(cities) < _FEWEST:
                message = "the state of a pattern should hold fronts of several cities"
                raise ValueError(message)
            self._fronts[cities[0].city] = cities
            self._newest[cities[0].city] = max(one.seconds for one in cities)
        self._watch.restore(watch)


def _cities(state: object) -> list[Reached]:
    return [Reached(plain.number(row[0]), plain.text(row[1])) for row in plain.rows(state, 2)]
