"""Conditions that patterns are made of: a limit, a rise or fall, or another pattern in the city.

A condition is a frozen definition; following it through readings belongs in `watches`.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from citywx.weather.alerting.finding import Detector
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.watches import Band, LevelWatch, PatternWatch, Watch
from citywx.weather.alerting.rules import Comparison

ROUNDING = 1e-9
"""Differences of decimal values are off by less: 16.4 − 12.4 is not quite 4."""


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
        band = Band.below if self.comparison.upward else Band.above
        reached = self.comparison in (Comparison.ABOVE, Comparison.BELOW)
        quiet = band(self.limit, included=reached)
        over = quiet if self.clear is None else band(self.clear, included=True)
        return LevelWatch(feed.metric(self.metric), self.limit, quiet, over)

    def __str__(self) -> str:
        return f"{self.metric} {self.comparison.words} {self.limit:g}"


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
        quiet = Band.below(self.by - ROUNDING)
        over = quiet if self.clear is None else Band.below(self.clear + ROUNDING)
        return LevelWatch(change.of, self.by, quiet, over, change)

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
        return PatternWatch(self.definition.detector(feed))

    def __str__(self) -> str:
        return f"pattern {self.pattern_id}"
