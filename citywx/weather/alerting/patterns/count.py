"""`count`: a condition begins to hold several times within the window, as gusts do."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from citywx.weather.alerting.finding import Detector, Finding
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.conditions import Condition
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.patterns.remembering import Remembering
from citywx.weather.reading import Reading

KEYS = ("condition", "times", "within", "clear")
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Count:
    """A condition begins to hold so many times within the window."""

    crosses_cities: ClassVar[bool] = False
    metric: ClassVar[None] = None
    condition: Condition
    times: int
    clear: int
    """It ends with so many, or fewer."""
    within: timedelta

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return CountDetector(self, feed)


def read(reader: PatternReader) -> Count:
    """The table of a `count`."""
    within = reader.span()
    times = reader.count("times", _FEWEST)
    clear = reader.count("clear", 0, default=times - 1)
    if clear >= times:
        reader.fail("clear", "must be below times")
    return Count(reader.condition("condition", within), times, clear, within)


class CountDetector(Remembering):
    """Remembers when the condition began to hold."""

    def __init__(self, pattern: Count, feed: Feed) -> None:
        super().__init__(pattern)
        self._pattern = pattern
        self._seconds = feed.clock.of
        self._span = pattern.within.total_seconds()
        self._watch = pattern.condition.watch(feed)
        self._began: dict[str, list[float]] = {}
        """Unix times in ascending order."""
        self._holding: set[str] = set()

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding while it began often enough, and one when it no longer did."""
        held = reading.city in self._watch.holding
        begins = self._watch.holds(reading) and not held
        if not begins and reading.city not in self._began:
            return ()
        times = len(self._recent(reading, begins=bool(begins)))
        before = reading.city in self._holding
        if times >= self._pattern.times:
            self._holding.add(reading.city)
        elif times <= self._pattern.clear:
            self._holding.discard(reading.city)
        holds = reading.city in self._holding
        return (self._finding(reading, times, holds=holds),) if holds or before else ()

    def _recent(self, reading: Reading, *, begins: bool) -> list[float]:
        now = self._seconds(reading)
        began = self._began.setdefault(reading.city, [])
        del began[: bisect_left(began, now - self._span)]
        if begins:
            began.append(now)
        if not began:
            del self._began[reading.city]
        return began

    def _finding(self, reading: Reading, times: int, *, holds: bool) -> Finding:
        began = [plain.stamp(seconds) for seconds in self._began.get(reading.city, ())]
        return Finding(
            reading.city,
            reading.timestamp,
            int(holds),
            times,
            self._pattern.times,
            {"began_at": began},
        )

    def _dump(self) -> object:
        return [dict(self._began), sorted(self._holding), self._watch.dump()]

    def _restore(self, state: object) -> None:
        began, holding, watch = plain.parts(state, 3)
        self._began = {city: plain.numbers(one) for city, one in plain.by_city(began).items()}
        self._holding = plain.cities(holding)
        self._watch.restore(watch)
