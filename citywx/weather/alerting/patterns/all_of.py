"""`all_of`: each of several conditions held within the window, in any order.

For instance the temperature falls and the pressure rises within an hour: a front passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import ClassVar, NamedTuple

from citywx.weather.alerting.finding import Detector, Finding, Later
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.conditions import Condition
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.patterns.remembering import Remembering
from citywx.weather.reading import Reading

KEYS = ("conditions", "within")


@dataclass(frozen=True, slots=True)
class AllOf:
    """All conditions held within the window."""

    crosses_cities: ClassVar[bool] = False
    metric: ClassVar[None] = None
    conditions: tuple[Condition, ...]
    within: timedelta

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return AllOfDetector(self, feed)


def read(reader: PatternReader) -> AllOf:
    """The table of an `all_of`; a rise or fall in it has the same window unless it names one."""
    within = reader.span()
    return AllOf(reader.conditions("conditions", within), within)


class _Held(NamedTuple):
    """The last time a condition held."""

    seconds: float
    """Unix time."""
    value: float | None
    """None where a condition has none."""


class AllOfDetector(Remembering):
    """Remembers when each condition last held, and with which value."""

    def __init__(self, pattern: AllOf, feed: Feed) -> None:
        super().__init__(pattern)
        self._names = tuple(map(str, pattern.conditions))
        self._seconds = feed.clock.of
        self._span = pattern.within.total_seconds()
        self._watches = tuple(condition.watch(feed) for condition in pattern.conditions)
        self._last: dict[str, dict[int, _Held]] = {}
        """By city and number of the condition."""
        self._holding: set[str] = set()

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding while all have held within the window, and one when one no longer has."""
        held = [watch.holds(reading) for watch in self._watches]
        if True not in held and reading.city not in self._last:
            return ()
        last = self._remember(reading, held)
        if len(last) == len(self._watches):
            self._holding.add(reading.city)
            details = Later(partial(self._details, last))
            return (Finding(reading.city, reading.timestamp, 1, details=details),)
        if reading.city in self._holding:
            self._holding.discard(reading.city)
            return (Finding(reading.city, reading.timestamp, 0),)
        return ()

    def _remember(self, reading: Reading, held: list[bool | None]) -> dict[int, _Held]:
        """What held within the window that ends with this reading."""
        now = self._seconds(reading)
        known = self._last.get(reading.city, {})
        last = {n: one for n, one in known.items() if now - one.seconds <= self._span}
        for number, watch in enumerate(self._watches):
            if held[number]:
                last[number] = _Held(now, watch.value(reading))
        if last:
            self._last[reading.city] = last
        else:
            del self._last[reading.city]
        return last

    def _details(self, last: dict[int, _Held]) -> dict[str, object]:
        return {
            "conditions": [
                {
                    "condition": self._names[number],
                    "value": None if one.value is None else round(one.value, 6),
                    "at": plain.stamp(one.seconds),
                }
                for number, one in sorted(last.items())
            ]
        }

    def _dump(self) -> object:
        last = {
            city: [[number, *one] for number, one in held.items()]
            for city, held in self._last.items()
        }
        return [last, sorted(self._holding), [watch.dump() for watch in self._watches]]

    def _restore(self, state: object) -> None:
        last, holding, watches = plain.parts(state, 3)
        self._last = {city: self._held(one) for city, one in plain.by_city(last).items()}
        self._holding = plain.cities(holding)
        memories = plain.parts(watches, len(self._watches))
        for watch, memory in zip(self._watches, memories, strict=True):
            watch.restore(memory)

    def _held(self, state: object) -> dict[int, _Held]:
        held = {}
        for row in plain.rows(state, 3):
            number = plain.whole(row[0], below=len(self._watches))
            value = None if row[2] is None else plain.number(row[2])
            held[number] = _Held(plain.number(row[1]), value)
        return held
