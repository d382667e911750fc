"""`sequence`: one condition held, and another begins within a time after it, no third in between.

The time counts from the last reading at which the first held. One occurrence of the first is
answered once. The pattern lasts as long as the second condition does.
"""

from collections.abc import Sequence as Several
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from citywx.weather.alerting.finding import Detector, Finding, Later
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.conditions import Condition
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.patterns.remembering import Remembering
from citywx.weather.alerting.patterns.repeated import repeated
from citywx.weather.reading import Reading

KEYS = ("first", "then", "unless", "within")


@dataclass(frozen=True, slots=True)
class Sequence:
    """`first`, then `then` within a time, unless `unless` held in between."""

    crosses_cities: ClassVar[bool] = False
    first: Condition
    then: Condition
    unless: Condition | None
    within: timedelta

    @property
    def metric(self) -> str | None:
        """The metric of a finding's value, which is that of the second condition."""
        return self.then.metric

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return SequenceDetector(self, feed)


def read(reader: PatternReader) -> Sequence:
    """The table of a `sequence`."""
    within = reader.span()
    return Sequence(
        reader.condition("first", within),
        reader.condition("then", within),
        reader.optional_condition("unless", within),
        within,
    )


class SequenceDetector(Remembering):
    """Remembers when the first condition last held, and which sequences are complete."""

    def __init__(self, pattern: Sequence, feed: Feed) -> None:
        super().__init__(pattern)
        self._seconds = feed.clock.of
        self._span = pattern.within.total_seconds()
        self._first = pattern.first.watch(feed)
        self._then = pattern.then.watch(feed)
        self._unless = pattern.unless.watch(feed) if pattern.unless else None
        self._waiting: dict[str, float] = {}
        """Unix time at which the first condition last held."""
        self._complete: dict[str, float] = {}
        """The same, of sequences whose second condition holds."""

    def observe(self, reading: Reading) -> Several[Finding]:
        """A finding while the second condition holds after the first, and one when it ends."""
        city = reading.city
        first = self._first.holds(reading)
        held = city in self._then.holding
        then = self._then.holds(reading)
        between = self._unless is not None and self._unless.holds(reading)
        if not first and city not in self._waiting and city not in self._complete:
            return ()
        now = self._seconds(reading)
        since = self._waiting.get(city)
        if since is not None and (between or now - since > self._span):
            del self._waiting[city]
            since = None
        if since is not None and then and not held:
            self._complete[city] = self._waiting.pop(city)
        if first:
            self._waiting[city] = now
        return self._findings(reading, then=then) if city in self._complete else ()

    def _findings(self, reading: Reading, *, then: bool | None) -> Several[Finding]:
        if then is None:
            return (repeated(reading),)
        since = self._complete[reading.city]
        if not then:
            del self._complete[reading.city]
        value, limit = self._then.value(reading), self._then.limit
        details = Later(lambda: {"first_at": plain.stamp(since)})
        return (Finding(reading.city, reading.timestamp, int(then), value, limit, details),)

    def _dump(self) -> object:
        unless = self._unless.dump() if self._unless else None
        watches = [self._first.dump(), self._then.dump(), unless]
        return [dict(self._waiting), dict(self._complete), *watches]

    def _restore(self, state: object) -> None:
        waiting, complete, first, then, unless = plain.parts(state, 5)
        self._waiting = plain.numbers_by_city(waiting)
        self._complete = plain.numbers_by_city(complete)
        self._first.restore(first)
        self._then.restore(then)
        if self._unless:
            self._unless.restore(unless)
