"""Conditions that patterns are made of: a limit, a rise or fall, or another pattern in the city.

A condition is a frozen definition; its watch follows it through the readings of all cities.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol

from citywx.weather.alerting.finding import Detector
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.windows import Change
from citywx.weather.alerting.rules import Comparison
from citywx.weather.reading import Reading

ROUNDING = 1e-9
"""Differences of decimal values are off by less: 16.4 − 12.4 is not quite 4."""

_PASSED: dict[Comparison, Callable[[float, float], bool]] = {
    Comparison.ABOVE: operator.lt,
    Comparison.AT_LEAST: operator.le,
    Comparison.BELOW: operator.gt,
    Comparison.AT_MOST: operator.ge,
}
"""limit, value → whether the value passes it."""


class Definition(Protocol):
    """What a pattern is; its detector does the work."""

    @property
    def metric(self) -> str | None:
        """The metric of a finding's value; None where it is a number of things, or none."""
        ...

    @property
    def crosses_cities(self) -> bool:
        """Whether it needs the readings of several cities in the order of their time."""
        ...

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        ...


class Watch(Protocol):
    """Follows a condition; asked about every reading, so that its windows miss none."""

    @property
    def holding(self) -> set[str]:
        """The cities where it holds."""
        ...

    @property
    def limit(self) -> float | None:
        """What its value is compared with."""
        ...

    def holds(self, reading: Reading) -> bool | None:
        """Whether it holds; None where the value is missing, which changes nothing."""
        ...

    def value(self, reading: Reading) -> float | None:
        """The value that was compared in the reading just asked about."""
        ...

    def dump(self) -> object:
        """Its memory as plain lists."""
        ...

    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        ...


class Condition(Protocol):
    """What may hold in a city."""

    @property
    def metric(self) -> str | None:
        """The metric of its value."""
        ...

    def watch(self, feed: Feed) -> Watch:
        """A watch that begins with no memory."""
        ...

    def __str__(self) -> str:
        """For people."""
        ...


@dataclass(frozen=True, slots=True)
class Limit:
    """A metric is past a limit; once it is, until it is back at the clear level if there is one."""

    metric: str
    comparison: Comparison
    limit: float
    clear: float | None = None

    def watch(self, feed: Feed) -> Watch:
        """A watch that begins with no memory."""
        passed = partial(_PASSED[self.comparison], self.limit)
        cleared = None
        if self.clear is not None:
            cleared = partial(operator.ge if self.comparison.upward else operator.le, self.clear)
        return _LevelWatch(feed.metric(self.metric), passed, cleared, self.limit)

    def __str__(self) -> str:
        return f"{self.metric} {self.comparison.replace('_', ' ')} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Move:
    """A metric rises or falls by an amount; then until the change is at most `clear`, if given."""

    metric: str
    rising: bool
    by: float
    within: timedelta
    clear: float | None = None

    def watch(self, feed: Feed) -> Watch:
        """A watch that begins with no memory."""
        change = feed.change(self.metric, self.within, rising=self.rising)
        passed = partial(operator.le, self.by - ROUNDING)
        cleared = None if self.clear is None else partial(operator.ge, self.clear + ROUNDING)
        return _LevelWatch(change, passed, cleared, self.by, change)

    def __str__(self) -> str:
        direction = "rises" if self.rising else "falls"
        return f"{self.metric} {direction} by {self.by:g} within {plain.span(self.within)}"


@dataclass(frozen=True, slots=True)
class Match:
    """Another pattern holds in the same city."""

    pattern_id: str
    definition: Definition

    @property
    def metric(self) -> str | None:
        """The metric of its value."""
        return self.definition.metric

    def watch(self, feed: Feed) -> Watch:
        """A watch that begins with no memory."""
        return _PatternWatch(self.definition.detector(feed))

    def __str__(self) -> str:
        return f"pattern {self.pattern_id}"


class _LevelWatch:
    """Follows a value past its limit and back."""

    def __init__(
        self,
        value: Callable[[Reading], float | None],
        passed: Callable[[float], bool],
        cleared: Callable[[float], bool] | None,
        limit: float,
        window: Change | None = None,
    ) -> None:
        self.value = value
        self.limit = limit
        self.holding: set[str] = set()
        self._passed = passed
        self._cleared = cleared
        self._window = window

    def holds(self, reading: Reading) -> bool | None:
        value = self.value(reading)
        if value is None:
            return None
        if self._passed(value):
            self.holding.add(reading.city)
            return True
        if reading.city not in self.holding:
            return False
        if self._cleared is not None and not self._cleared(value):
            return True
        self.holding.discard(reading.city)
        return False

    def dump(self) -> object:
        return [sorted(self.holding), self._window.dump() if self._window else {}]

    def restore(self, state: object) -> None:
        holding, window = plain.parts(state, 2)
        self.holding = plain.cities(holding)
        if self._window:
            self._window.restore(window)


class _PatternWatch:
    """Follows a detector of its own."""

    limit = None

    def __init__(self, detector: Detector) -> None:
        self.holding: set[str] = set()
        self._detector = detector
        self._value: float | None = None

    def holds(self, reading: Reading) -> bool | None:
        for finding in self._detector.observe(reading):
            self._value = finding.value
            if finding.level:
                self.holding.add(reading.city)
            else:
                self.holding.discard(reading.city)
        return reading.city in self.holding

    def value(self, reading: Reading) -> float | None:
        return self._value if reading.city in self.holding else None

    def dump(self) -> object:
        return [sorted(self.holding), self._detector.dump()]

    def restore(self, state: object) -> None:
        holding, memory = plain.parts(state, 2)
        self.holding = plain.cities(holding)
        self._detector.restore(memory)
