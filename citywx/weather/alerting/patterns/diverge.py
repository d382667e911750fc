"""`diverge`: one metric moves, and another does not answer as it should: one of them is faulty.

Both are compared between now and the extreme from which the first has moved.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, NamedTuple

from citywx.weather.alerting.finding import Detector, Finding
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.conditions import ROUNDING, Condition
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.patterns.remembering import Remembering
from citywx.weather.alerting.patterns.repeated import repeated
from citywx.weather.reading import Reading

KEYS = ("metric", "by", "clear", "against", "with", "response", "within", "unless")
_CLEAR_SHARE = 0.5
"""Of the amount, where `clear` is not given."""


@dataclass(frozen=True, slots=True)
class Diverge:
    """A metric moves by an amount, and another answers with less than it should."""

    crosses_cities: ClassVar[bool] = False
    metric: str
    by: float
    clear: float
    """It ends once the metric has moved no more than this."""
    other: str
    against: bool
    """Whether the other should move the other way."""
    response: float
    """How far it should move, in its unit; below 0, it may move so far the wrong way."""
    within: timedelta
    unless: Condition | None
    """While it holds, no answer is expected, as of humidity in fog."""

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return DivergeDetector(self, feed)


def read(reader: PatternReader) -> Diverge:
    """The table of a `diverge`."""
    direction = reader.only_one(("against", "with"))
    metric, other = reader.metric(), reader.metric(direction)
    if other == metric:
        reader.fail(direction, "must be another metric")
    within, by = reader.span(), reader.positive("by")
    return Diverge(
        metric=metric,
        by=by,
        clear=reader.clear_below("by", default=by * _CLEAR_SHARE),
        other=other,
        against=direction == "against",
        response=reader.number("response", default=0),
        within=within,
        unless=reader.optional_condition("unless", within),
    )


class _Moves(NamedTuple):
    """How both metrics moved since an extreme of the first."""

    rising: bool
    change: float
    """Of the first, up or down, never below 0."""
    since: float
    """Unix time."""
    response: float
    """Of the other metric, in the direction in which it should move."""


class DivergeDetector(Remembering):
    """Compares the moves of two metrics."""

    def __init__(self, pattern: Diverge, feed: Feed) -> None:
        super().__init__(pattern)
        self._pattern = pattern
        self._unless = pattern.unless.watch(feed) if pattern.unless else None
        self._rise = feed.change(pattern.metric, pattern.within, rising=True)
        self._fall = feed.change(pattern.metric, pattern.within, rising=False)
        self._other = feed.history(pattern.other, pattern.within)
        self._holding: set[str] = set()

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding while the answer is missing, and one when it no longer is."""
        exempt = self._unless is not None and self._unless.holds(reading)
        rise, fall, other = self._rise.of(reading), self._fall.of(reading), self._other.of(reading)
        held = reading.city in self._holding
        if rise is None or fall is None or other is None:
            return (repeated(reading),) if held else ()
        least = self._pattern.clear + ROUNDING if held else self._pattern.by - ROUNDING
        if not exempt and (rise >= least or fall >= least):
            moves = [m for m in self._moves(reading.city, rise, fall, other) if m.change >= least]
            return self._judge(reading, moves)
        return self._over(reading)

    def _judge(self, reading: Reading, moves: Sequence[_Moves]) -> Sequence[Finding]:
        for one in moves:
            if one.response < self._pattern.response - ROUNDING:
                self._holding.add(reading.city)
                return (self._finding(reading, one),)
        if not moves and reading.city in self._holding:
            return (repeated(reading),)
        return self._over(reading)

    def _over(self, reading: Reading) -> Sequence[Finding]:
        if reading.city not in self._holding:
            return ()
        self._holding.discard(reading.city)
        return (Finding(reading.city, reading.timestamp, 0),)

    def _moves(self, city: str, rise: float, fall: float, other: float) -> Iterator[_Moves]:
        """Those of which both ends are known."""
        for window, rising, change in ((self._rise, True, rise), (self._fall, False, fall)):
            since = window.origin(city).seconds
            before = self._other.at(city, since)
            if before is not None:
                upward = rising != self._pattern.against
                yield _Moves(rising, change, since, other - before if upward else before - other)

    def _finding(self, reading: Reading, moves: _Moves) -> Finding:
        pattern = self._pattern
        details = {
            "moved": "up" if moves.rising else "down",
            "since": plain.stamp(moves.since),
            "other": pattern.other,
            "expected": f"{'against' if pattern.against else 'with'} {pattern.metric}",
            "response": round(moves.response, 6),
            "response_limit": pattern.response,
        }
        change = round(moves.change, 6)
        return Finding(reading.city, reading.timestamp, 1, change, pattern.by, details)

    def _dump(self) -> object:
        return [
            sorted(self._holding),
            self._rise.dump(),
            self._fall.dump(),
            self._other.dump(),
            self._unless.dump() if self._unless else None,
        ]

    def _restore(self, state: object) -> None:
        holding, rise, fall, other, unless = plain.parts(state, 5)
        self._holding = plain.cities(holding)
        self._rise.restore(rise)
        self._fall.restore(fall)
        self._other.restore(other)
        if self._unless:
            self._unless.restore(unless)
