"""What a city's readings say of its sensors, one reading at a time: the signals of all measures.

One reading in each slot of the model's cadence is looked at. Signals are plain numbers, unknown
ones not a number; how rare they are, and whether that is an anomaly, belongs in `channels`.
"""

import math
from array import array
from collections.abc import Sequence
from itertools import islice
from typing import Final

from citywx.weather.anomalies.measure import LONGEST_GAP, MeasureSignals
from citywx.weather.anomalies.normal import HOURS, Normal
from citywx.weather.reading import MEASURES

COUNT: Final = len(MEASURES)
STEP: Final = 0
ROUGH: Final = STEP + COUNT
LEVEL: Final = ROUGH + COUNT
DRIFT: Final = LEVEL + COUNT
AWAY_YESTERDAY: Final = DRIFT + COUNT
ROUGH_YESTERDAY: Final = AWAY_YESTERDAY + COUNT
JOINT: Final = ROUGH_YESTERDAY + COUNT
DIFFERENCES: Final = JOINT + 1
"""Where each kind begins in a row of signals, one number a measure; there is one joint step. For
each difference its step, unsteadiness, level and drift follow."""
OF_A_DIFFERENCE: Final = 4

_JOINED: Final = 3  # the first measures; wind is too fickle
_NAN: Final = math.nan
_KEPT: Final = 2 * COUNT
_UNKNOWN: Final = array("d", [_NAN] * _KEPT)


def of_difference(place: int) -> int | None:
    """Which difference a place in a row is about; None for other signals."""
    return (place - DIFFERENCES) // OF_A_DIFFERENCE if place >= DIFFERENCES else None


class CitySignals:
    """The memory of one city."""

    __slots__ = (
        *("normal", "measures", "differences", "slot", "gap", "seen", "yesterday"),
        *("joint", "joint_from", "joint_age", "_per_day"),
    )

    def __init__(self, normal: Normal) -> None:
        """Without a memory: what is usual comes from the model."""
        self.normal = normal
        self._per_day = HOURS // normal.cadence
        self.measures = [MeasureSignals(one, normal.cadence) for one in normal.measures]
        self.differences = [
            MeasureSignals(one.normal, normal.cadence) for one in normal.differences
        ]
        self.slot: int | None = None
        """The slot of the last reading, counted from 1970."""
        self.gap = 1
        """Slots between the last two readings."""
        self.seen = 0
        """Slots since the memory began."""
        self.yesterday = array("d", [_NAN] * (self._per_day * _KEPT))
        """Deviation and unsteadiness of each measure, for each slot of the last day."""
        self.joint = 0.0
        self.joint_from = [0.0] * _JOINED
        self.joint_age = 0.0

    @property
    def warm(self) -> bool:
        """Whether a whole day is remembered."""
        return self.seen > self._per_day

    @property
    def compared(self) -> bool:
        """Whether every neighbour was heard lately; else the city is judged alone."""
        return all(one.age <= LONGEST_GAP for one in self.differences)

    def remembered(self) -> list[float]:
        """The memory of the measures as numbers."""
        slot = _NAN if self.slot is None else self.slot
        numbers = [self.normal.cadence, slot, self.gap, self.seen]
        numbers += [self.joint, self.joint_age, *self.joint_from, *self.yesterday]
        for measure in self.measures:
            numbers += measure.remembered()
        return numbers

    def recalls(self, numbers: Sequence[float]) -> bool:
        """Take up what `remembered` gave; False where it is of another kind of model."""
        if len(numbers) != len(self.remembered()) or numbers[0] != self.normal.cadence:
            return False
        _, slot, gap, seen, self.joint, self.joint_age, *rest = numbers
        self.slot = None if math.isnan(slot) else int(slot)
        self.gap, self.seen = int(gap), int(seen)
        others = iter(rest)
        self.joint_from = list(islice(others, _JOINED))
        self.yesterday = array("d", islice(others, len(self.yesterday)))
        for measure in self.measures:
            measure.recall(others)
        return True

    def advance(
        self, slot: int, values: Sequence[float], neighbours: Sequence[float] = ()
    ) -> list[float]:
        """The row of signals after the reading of a slot, which is newer than all before.

        `neighbours`: what the neighbour of each difference said in the slot of the reading
        *before*: by now all that was measured then has come in, whatever the order.
        """
        last, gap = self.slot, 1 if self.slot is None else slot - self.slot
        if gap > self._per_day:
            self._forget()
            last, gap = None, 1
        if last is not None:
            self._compare(last, neighbours)
        hour = slot * self.normal.cadence % HOURS
        for measure, value in zip(self.measures, values, strict=True):
            measure.advance(value, gap, hour)
        self.slot, self.gap, self.seen = slot, gap, self.seen + gap
        return self._row()

    def _compare(self, slot: int, neighbours: Sequence[float]) -> None:
        """Move the differences on to the last slot, before the measures leave it."""
        hour = slot * self.normal.cadence % HOURS
        compared = zip(self.normal.differences, self.differences, neighbours, strict=True)
        for difference, signals, value in compared:
            own = self.measures[difference.measure].value
            signals.advance(own - value, self.gap, hour)

    def _row(self) -> list[float]:
        row = [measure.stands for measure in self.measures]
        row += [measure.rough for measure in self.measures]
        row += [measure.level for measure in self.measures]
        row += [measure.drift for measure in self.measures]
        row += self._exchange_yesterday(row[ROUGH:LEVEL])
        row.append(self._joint_step())
        for one in self.differences:
            row += (one.stands, one.rough, one.level, one.drift)
        return row

    def _exchange_yesterday(self, rough: Sequence[float]) -> Sequence[float]:
        """What was kept a day ago, for what is known now."""
        slot = self.slot or 0
        for skipped in range(slot - self.gap + 1, slot):
            place = skipped % self._per_day * _KEPT
            self.yesterday[place : place + _KEPT] = _UNKNOWN
        place = slot % self._per_day * _KEPT
        kept = self.yesterday[place : place + _KEPT]
        away = [measure.away if measure.age == 0 else _NAN for measure in self.measures]
        self.yesterday[place : place + _KEPT] = array("d", [*away, *rough])
        return kept

    def _joint_step(self) -> float:
        """How unforeseen the changes of several measures at once were, while they stand."""
        joined = self.measures[:_JOINED]
        now = sum([math.log1p(measure.shock**2 / 4) for measure in joined])
        self.joint_age += self.gap
        left = 0.0
        if self.joint_age < self._per_day:
            moved = zip(joined, self.joint_from, strict=True)
            left = sum([math.log1p((one.total - start) ** 2 / 4) for one, start in moved])
            left = min(self.joint, left)
        if now < left:
            return left
        self.joint, self.joint_age = now, 0
        self.joint_from = [measure.total - measure.shock for measure in joined]
        return now

    def _forget(self) -> None:
        """Begin anew after a long silence; what is usual stays known."""
        fresh = CitySignals(self.normal)
        for mine, new in zip(self.measures, fresh.measures, strict=True):
            new.usual = mine.usual
        self._become(fresh)

    def _become(self, other: "CitySignals") -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))
