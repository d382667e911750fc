"""What one measure's values say of its sensor, one value at a time: steps, unsteadiness, level.

The memory of one measure in one city. Signals are plain numbers; how rare they are belongs in
`channels`.
"""

import math
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import Final

from citywx.weather.anomalies.normal import (
    DRIFT_HOURS,
    HOURS,
    LEARNING,
    LEVEL_HOURS,
    ROUGH_HOURS,
    MeasureNormal,
)

LONGEST_GAP: Final = 3
"""Slots over which a change is still a change."""
STANDS_HOURS: Final = 24
"""How long a step is remembered."""

_REMEMBERED: Final = (
    *("value", "value_before", "away", "age", "change", "shock", "total"),
    *("step", "stands", "step_from", "step_age", "away_before_step"),
    *("_rough", "_rough_weight", "_level", "_level_weight", "_drift", "_drift_weight"),
)
_NAN: Final = math.nan
_ROUGHEST: Final = 3.0  # one spike is no unsteadiness
_GREATEST_OF_DRIFT: Final = 3.0  # one step is no drift
_FEWEST: Final = 0.3  # so much of a moving mean's weights must be of known values
_ROOT: Final = tuple(math.sqrt(gap) for gap in range(LONGEST_GAP + 1))


class MeasureSignals:
    """The memory, and the newest signals."""

    __slots__ = (
        *("normal", "usual"),
        *_REMEMBERED,
        *("_keep_rough", "_keep_level", "_keep_drift", "_longest_step"),
    )

    def __init__(self, normal: MeasureNormal, cadence: int) -> None:
        """Without a memory: what is usual comes from the model."""
        self.normal = normal
        self._keep_rough = math.exp(-cadence / ROUGH_HOURS)
        self._keep_level = math.exp(-cadence / LEVEL_HOURS)
        self._keep_drift = math.exp(-cadence / DRIFT_HOURS)
        self._longest_step = STANDS_HOURS // cadence
        self.usual = array("d", normal.usual)
        self.value = self.value_before = _NAN
        """The last two, where they are of the last two slots."""
        self.away = _NAN
        """How far the last known value was from what is usual at its hour."""
        self.age = LONGEST_GAP + 1
        """Slots since then."""
        self.change = 0.0
        self.shock = 0.0
        """What could not be foreseen of the newest value, in usual sizes; 0 where none came."""
        self.total = 0.0
        """Of all shocks."""
        self.step = 0.0
        """The shock that an older level was left with; `stands` is what is left of it."""
        self.stands = 0.0
        self.step_from = 0.0
        self.step_age = 0
        self.away_before_step = 0.0
        self._rough = self._rough_weight = self._level = self._level_weight = 0.0
        self._drift = self._drift_weight = 0.0

    @property
    def rough(self) -> float:
        """The mean sharpness of the last hours' bends, in usual sizes."""
        return self._rough / self._rough_weight if self._rough_weight >= _FEWEST else _NAN

    @property
    def level(self) -> float:
        """The mean deviation of the last hours from what is usual at the hour, in the unit."""
        return self._level / self._level_weight if self._level_weight >= _FEWEST else _NAN

    @property
    def drift(self) -> float:
        """The mean shock of the last hours: whether they go one way, in usual sizes."""
        return self._drift / self._drift_weight if self._drift_weight >= _FEWEST else _NAN

    def remembered(self) -> list[float]:
        """The memory as numbers."""
        return [*self.usual, *[getattr(self, name) for name in _REMEMBERED]]

    def recall(self, numbers: Iterator[float]) -> None:
        """Take up what `remembered` gave, from the beginning of the numbers."""
        self.usual = array("d", islice(numbers, HOURS))
        for name in _REMEMBERED:
            setattr(self, name, next(numbers))

    def advance(self, value: float, gap: int, hour: int) -> None:
        """Take the value of a slot, `gap` slots after the last; it may be no number."""
        before = self.away
        if value == value:  # noqa: PLR0124 - the quickest test for a number
            away = self._learn(value, hour)
            self._foresee(away, gap, hour)
            self._bend(value, gap, hour)
            keep = self._keep_level
            self._level = self._level * keep + away * (1 - keep)
            self._level_weight = self._level_weight * keep + (1 - keep)
        else:
            self.age += gap
            self.shock = self.change = 0.0
            self.value = _NAN
        self._stand(before, gap)

    def _learn(self, value: float, hour: int) -> float:
        """How far the value is from what is usual, which moves towards it."""
        away = value - self.usual[hour]
        reach = self.normal.reach
        learnt = away if -reach < away < reach else math.copysign(reach, away)
        self.usual[hour] += LEARNING * learnt
        return away

    def _foresee(self, away: float, gap: int, hour: int) -> None:
        """Compare with what the last known deviation and its change let expect."""
        normal, before, age = self.normal, self.away, self.age + gap
        self.shock, change = 0.0, 0.0
        if age <= LONGEST_GAP:
            change = away - before
            foreseen = normal.pull * before
            if age == 1:
                foreseen += normal.momentum * self.change
            shock = self.shock = (change - foreseen) / (normal.change[hour] * _ROOT[int(age)])
            keep = self._keep_drift
            drawn_in = shock
            if not -_GREATEST_OF_DRIFT < shock < _GREATEST_OF_DRIFT:
                drawn_in = math.copysign(_GREATEST_OF_DRIFT, shock)
            self._drift = self._drift * keep + drawn_in * (1 - keep)
            self._drift_weight = self._drift_weight * keep + (1 - keep)
        self.change, self.away, self.age = change, away, 0

    def _bend(self, value: float, gap: int, hour: int) -> None:
        """How sharply the last three values bend."""
        if gap > 1:
            self.value = _NAN
        bend = value - 2 * self.value + self.value_before
        self.value_before, self.value = self.value, value
        if bend == bend:  # noqa: PLR0124
            size = abs(bend - self.normal.bend[hour]) / self.normal.bend_size[hour]
            keep = self._keep_rough
            self._rough = self._rough * keep + min(size, _ROUGHEST) * (1 - keep)
            self._rough_weight = self._rough_weight * keep + (1 - keep)

    def _stand(self, before: float, gap: int) -> None:
        """The newest shock is the step, unless what is left of an older one is greater."""
        shock, earlier = self.shock, self.total
        total = self.total = earlier + shock
        self.step_age += gap
        left = 0.0
        if self.step_age < self._longest_step:
            step, moved = self.step, total - self.step_from
            if moved * step > 0:
                left = step if abs(moved) > abs(step) else moved
        if abs(shock) >= abs(left):
            self.step, self.step_from, self.step_age = shock, earlier, 0
            self.away_before_step = before
            left = shock
        self.stands = left
