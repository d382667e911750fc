"""Follows conditions through the readings of all cities: whether one holds, and with what value.

A watch is asked about every reading, so that its windows miss none.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from citywx.weather.alerting.finding import Detector
from citywx.weather.alerting.patterns import plain
from citywx.weather.alerting.patterns.windows import Change
from citywx.weather.reading import Reading


class Band(NamedTuple):
    """Values between two others, both excluded."""

    low: float
    high: float

    @classmethod
    def below(cls, high: float, *, included: bool = False) -> "Band":
        """All values below one, or up to it."""
        return cls(-math.inf, math.nextafter(high, math.inf) if included else high)

    @classmethod
    def above(cls, low: float, *, included: bool = False) -> "Band":
        """All values above one, or from it on."""
        return cls(math.nextafter(low, -math.inf) if included else low, math.inf)


class LevelWatch:
    """Follows a value past its limit and back."""

    def __init__(
        self,
        value: Callable[[Reading], float | None],
        limit: float,
        quiet: Band,
        over: Band,
        window: Change | None = None,
    ) -> None:
        """`quiet`: values with which nothing begins; `over`: those with which what holds ends."""
        self.value = value
        """What is compared."""
        self.limit: float | None = limit
        self.holding: set[str] = set()
        """The cities where it holds."""
        self._quiet_low, self._quiet_high = quiet
        self._over_low, self._over_high = over
        self._window = window

    def holds(self, reading: Reading) -> bool | None:
        """Whether it holds; None where the value is missing, which changes nothing."""
        value = self.value(reading)
        if value is None:
            return None
        if reading.city in self.holding:
            if self._over_low < value < self._over_high:
                self.holding.discard(reading.city)
                return False
            return True
        if self._quiet_low < value < self._quiet_high:
            return False
        self.holding.add(reading.city)
        return True

    def dump(self) -> object:
        """Where it holds, and its window."""
        return [sorted(self.holding), self._window.dump() if self._window else {}]

    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        holding, window = plain.parts(state, 2)
        self.holding = plain.cities(holding)
        if self._window:
            self._window.restore(window)


class PatternWatch:
    """Follows a pattern by a detector of its own."""

    limit: float | None = None

    def __init__(self, detector: Detector) -> None:
        self.holding: set[str] = set()
        """The cities where it holds."""
        self._detector = detector
        self._value: float | None = None

    def holds(self, reading: Reading) -> bool:
        """Whether it holds."""
        for finding in self._detector.observe(reading):
            self._value = finding.value
            if finding.level:
                self.holding.add(reading.city)
            else:
                self.holding.discard(reading.city)
        return reading.city in self.holding

    def value(self, reading: Reading) -> float | None:
        """What the pattern found in the reading just asked about."""
        return self._value if reading.city in self.holding else None

    def dump(self) -> object:
        """Where it holds, and the detector's memory."""
        return [sorted(self.holding), self._detector.dump()]

    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        holding, memory = plain.parts(state, 2)
        self.holding = plain.cities(holding)
        self._detector.restore(memory)


Watch = LevelWatch | PatternWatch
