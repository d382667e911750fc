"""`peer`: a city is far from the median of its neighbours' recent values.

Each city is judged by its own readings alone; a neighbour's are only evidence.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from citywx.weather.alerting.finding import Detector, Finding
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.conditions import ROUNDING
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.patterns.remembering import Remembering
from citywx.weather.alerting.patterns.repeated import repeated
from citywx.weather.reading import Reading

KEYS = ("metric", "by", "clear", "within", "peers", "within_km", "fewest")
_FEWEST = 3
_CLEAR_SHARE = 0.5
"""Of the amount, where `clear` is not given."""
_MOST_NEIGHBOURS = 8
"""The nearest are asked; more would cost time and say little."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A metric is far from what the neighbours have."""

    crosses_cities: ClassVar[bool] = True
    metric: str
    by: float
    clear: float
    """It ends once the difference is no more than this."""
    within: timedelta
    """How far apart in time values are still compared."""
    peers: tuple[str, ...]
    """Cities that are each other's neighbours; none where `within_km` says who is."""
    within_km: float
    fewest: int
    """Neighbours with a recent value, else nothing is said."""

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return PeerDetector(self, feed)


def read(reader: PatternReader) -> Peer:
    """The table of a `peer`."""
    named = reader.only_one(("peers", "within_km")) == "peers"
    by = reader.positive("by")
    fewest = reader.count("fewest", 2, default=_FEWEST)
    return Peer(
        metric=reader.metric(),
        by=by,
        clear=reader.clear_below("by", default=by * _CLEAR_SHARE),
        within=reader.span(),
        peers=reader.names("peers", fewest + 1) if named else (),
        within_km=0.0 if named else reader.positive("within_km"),
        fewest=fewest,
    )


class _Newest:
    """The newest value of a city."""

    __slots__ = ("seconds", "value")

    def __init__(self) -> None:
        self.seconds = -math.inf
        """Unix time; −∞ before the first one."""
        self.value = 0.0


class PeerDetector(Remembering):
    """Keeps each city's newest value."""

    def __init__(self, pattern: Peer, feed: Feed) -> None:
        super().__init__(pattern)
        self._pattern = pattern
        self._value = feed.metric(pattern.metric)
        self._seconds = feed.clock.of
        self._span = pattern.within.total_seconds()
        self._places = feed.places
        self._newest: dict[str, _Newest] = {}
        self._neighbours: dict[str, tuple[_Newest, ...]] = {}
        """Where `_newest` keeps them, so that none must be looked up by its name."""
        self._holding: set[str] = set()

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding while the city is far off, and one when it no longer is."""
        held = reading.city in self._holding
        value = self._value(reading)
        others = () if value is None else self._compared(reading, value)
        if value is None or len(others) < self._pattern.fewest:
            return (repeated(reading),) if held else ()
        expected = _median(others)
        off = abs(value - expected)
        if off >= (self._pattern.clear + ROUNDING if held else self._pattern.by - ROUNDING):
            self._holding.add(reading.city)
            return (self._finding(reading, value, expected, len(others)),)
        if held:
            self._holding.discard(reading.city)
            return (Finding(reading.city, reading.timestamp, 0, round(off, 6), self._pattern.by),)
        return ()

    def _compared(self, reading: Reading, value: float) -> list[float]:
        """What the neighbours have around the time of the city's newest value."""
        now = self._seconds(reading)
        newest = self._newest_of(reading.city)
        newest.seconds, newest.value = now, value
        neighbours = self._neighbours.get(reading.city)
        if neighbours is None:
            near = self._near(reading.city)
            neighbours = self._neighbours[reading.city] = tuple(map(self._newest_of, near))
        first, last = now - self._span, now + self._span
        return [one.value for one in neighbours if first <= one.seconds <= last]

    def _newest_of(self, city: str) -> _Newest:
        newest = self._newest.get(city)
        if newest is None:
            newest = self._newest[city] = _Newest()
        return newest

    def _near(self, city: str) -> tuple[str, ...]:
        pattern = self._pattern
        if city in pattern.peers:
            return tuple(other for other in pattern.peers if other != city)
        return self._places.near(city, pattern.within_km)[:_MOST_NEIGHBOURS]

    def _finding(self, reading: Reading, value: float, expected: float, neighbours: int) -> Finding:
        details = {"observed": value, "expected": round(expected, 6), "neighbours": neighbours}
        off = round(abs(value - expected), 6)
        return Finding(reading.city, reading.timestamp, 1, off, self._pattern.by, details)

    def _dump(self) -> object:
        newest = {
            city: [one.seconds, one.value]
            for city, one in self._newest.items()
            if one.seconds > -math.inf
        }
        return [newest, sorted(self._holding)]

    def _restore(self, state: object) -> None:
        newest, holding = plain.parts(state, 2)
        self._newest, self._neighbours = {}, {}
        for city, known in plain.by_city(newest).items():
            one = self._newest_of(city)
            one.seconds, one.value = plain.numbers(plain.parts(known, 2))
        self._holding = plain.cities(holding)


def _median(values: Sequence[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2
