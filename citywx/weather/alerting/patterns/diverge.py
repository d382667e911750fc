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

    change: float
    """Up or down."""
    since: float
    """Unix time."""
    response: float
    """Of the other metric, in the direction in which it should move."""


class DivergeDetector:
    """Compares the moves of two metrics."""

    def __init__(self, pattern: Diverge, feed: Feed) -> None:
        self._pattern = pattern
        self._unless = pattern.unless.watch(feed) if pattern.unless else None
        self._rise = feed.change(pattern.metric, pattern.within, rising=True)
        self._fall = feed.change(pattern.metric, pattern.within, rising=False)
        self._other = feed.history(pattern.other, pattern.within)
        self._holding: set[str] = set()

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding while the answer is missing, and one when it no longer is."""
        exempt = self._unless is not None and self._unless.holds(reading)
        rise, fall, other = self._rise(reading), self._fall(reading), self._other(reading)
        if rise is None or fall is None or other is None:
            return ()
        held = reading.city in self._holding
        least = self._pattern.clear + ROUNDING if held else self._pattern.by - ROUNDING
        if rise < least and fall < least and not held:
            return ()
        moves = () if exempt else tuple(self._moves(reading.city, rise, fall, other))
        for one in moves:
            if abs(one.change) >= least and one.response < self._pattern.response - ROUNDING:
                self._holding.add(reading.city)
                return (self._finding(reading, one),)
        self._holding.discard(reading.city)
        return (Finding(reading.city, reading.timestamp, 0),) if held else ()

    def _moves(self, city: str, rise: float, fall: float, other: float) -> Iterator[_Moves]:
        for window, change in ((self._rise, rise), (self._fall, -fall)):
            since = window.origin(city).seconds
            before = self._other.at(city, since)
            if before is not None:
                along = (change >= 0) != self._pattern.against
                response = other - before if along else before - other
                yield _Moves(change, since, response)

    def _finding(self, reading: Reading, moves: _Moves) -> Finding:
        pattern = self._pattern
        details = {
            "change": round(moves.change, 6),
            "since": plain.stamp(moves.since),
            "other": pattern.other,
            "expected": f"{'against' if pattern.against else 'with'} {pattern.metric}",
            "response": round(moves.response, 6),
            "response_limit": pattern.response,
        }
        change = round(abs(moves.change), 6)
        return Finding(reading.city, reading.timestamp, 1, change, pattern.by, details)

    def dump(self) -> object:
        """Where the answer is missing, the windows, and the exemption's memory."""
        return [
            sorted(self._holding),
            self._rise.dump(),
            self._fall.dump(),
            self._other.dump(),
            self._unless.dump() if self._unless else None,
        ]

    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        holding, rise, fall, other, unless = plain.parts(state, 5)
        self._holding = plain.cities(holding)
        self._rise.restore(rise)
        self._fall.restore(fall)
        self._other.restore(other)
        if self._unless:
            self._unless.restore(unless)
