"""`stuck`: a metric stays the same for longer than weather does, by time and number of readings.

A gap ends a run: what was measured in it is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from citywx.weather.alerting.finding import Detector, Finding, Later
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.conditions import ROUNDING, Condition
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.patterns.remembering import Remembering
from citywx.weather.alerting.patterns.repeated import repeated
from citywx.weather.reading import Reading

KEYS = ("metric", "unchanged_for", "readings", "tolerance", "longest_gap", "unless")
_READINGS = 4
_LONGEST_GAP = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Stuck:
    """A metric is the same for a time and a number of readings."""

    crosses_cities: ClassVar[bool] = False
    metric: str
    unchanged_for: timedelta
    readings: int
    """The fewest in that time."""
    tolerance: float
    """How far apart values of a run may be, in the metric's unit."""
    longest_gap: timedelta
    """Between two values of a run."""
    unless: Condition | None
    """While it holds, the metric may well be the same, as humidity in fog."""

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return StuckDetector(self, feed)


def read(reader: PatternReader) -> Stuck:
    """The table of a `stuck`."""
    unchanged_for = reader.span("unchanged_for")
    tolerance = reader.number("tolerance", default=0)
    if tolerance < 0:
        reader.fail("tolerance", "must not be below 0")
    return Stuck(
        metric=reader.metric(),
        unchanged_for=unchanged_for,
        readings=reader.count("readings", 2, default=_READINGS),
        tolerance=tolerance,
        longest_gap=reader.span("longest_gap", default=_LONGEST_GAP),
        unless=reader.optional_condition("unless", unchanged_for),
    )


class _Run:
    """Values that are the same, but for the tolerance."""

    __slots__ = ("first", "high", "last", "low", "readings")

    def __init__(self, now: float, value: float) -> None:
        self.begin(now, value)

    def begin(self, now: float, value: float) -> None:
        """Begin anew."""
        self.first = self.last = now
        """Unix times."""
        self.low = self.high = value
        self.readings = 1

    def goes_on(self, now: float, value: float, spread: float) -> bool:
        """Take up the value, if it is the same."""
        if not self.high - spread <= value <= self.low + spread:
            return False
        self.last, self.low, self.high = now, min(self.low, value), max(self.high, value)
        self.readings += 1
        return True


class StuckDetector(Remembering):
    """Follows the newest run of each city."""

    def __init__(self, pattern: Stuck, feed: Feed) -> None:
        super().__init__(pattern)
        self._value = feed.metric(pattern.metric)
        self._unless = pattern.unless.watch(feed) if pattern.unless else None
        self._spread = pattern.tolerance + ROUNDING
        self._gap = pattern.longest_gap.total_seconds()
        self._seconds = feed.clock.of
        self._span = pattern.unchanged_for.total_seconds()
        self._readings = pattern.readings
        self._runs: dict[str, _Run] = {}
        self._holding: set[str] = set()

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding while the run is long enough, and one when it has ended."""
        exempt = self._unless is not None and self._unless.holds(reading)
        value = self._value(reading)
        if value is None:
            return (repeated(reading),) if reading.city in self._holding else ()
        run = self._extended(reading, value, exempt=bool(exempt))
        if run.last - run.first >= self._span and run.readings >= self._readings:
            self._holding.add(reading.city)
            return (self._finding(reading, value, run, level=1),)
        if reading.city in self._holding:
            self._holding.discard(reading.city)
            return (self._finding(reading, value, run, level=0),)
        return ()

    def _extended(self, reading: Reading, value: float, *, exempt: bool) -> _Run:
        now = self._seconds(reading)
        run = self._runs.get(reading.city)
        if run is None:
            run = self._runs[reading.city] = _Run(now, value)
        elif exempt or now - run.last > self._gap or not run.goes_on(now, value, self._spread):
            run.begin(now, value)
        return run

    def _finding(self, reading: Reading, value: float, run: _Run, *, level: int) -> Finding:
        if level == 0:
            return Finding(reading.city, reading.timestamp, 0, value)
        first, readings = run.first, run.readings
        details = Later(lambda: {"unchanged_since": plain.stamp(first), "readings": readings})
        return Finding(reading.city, reading.timestamp, level, value, details=details)

    def _dump(self) -> object:
        runs = {
            city: [run.first, run.last, run.low, run.high, run.readings]
            for city, run in self._runs.items()
        }
        return [runs, sorted(self._holding), self._unless.dump() if self._unless else None]

    def _restore(self, state: object) -> None:
        runs, holding, unless = plain.parts(state, 3)
        self._runs = {city: _run(one) for city, one in plain.by_city(runs).items()}
        self._holding = plain.cities(holding)
        if self._unless:
            self._unless.restore(unless)


def _run(state: object) -> _Run:
    first, last, low, high, readings = plain.numbers(plain.parts(state, 5))
    run = _Run(first, low)
    run.last, run.high, run.readings = last, high, int(readings)
    return run
