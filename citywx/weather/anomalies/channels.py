"""From signals to one score: what is looked at, and each channel's share of the alarms.

A channel takes one signal, less what the others and the day before let expect of it, and says how
rare that is in the city's own history. The score is the logarithm of the weighted sum of their
odds: where one is very rare it rules, and several that are somewhat rare add up. What has been rare
for days wears off, so that a change that stays is one alarm and hides no other.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from citywx.weather.anomalies.normal import Normal
from citywx.weather.anomalies.rarity import Rarity
from citywx.weather.anomalies.signals import (
    AWAY_YESTERDAY,
    COUNT,
    DIFFERENCES,
    DRIFT,
    JOINT,
    LEVEL,
    OF_A_DIFFERENCE,
    ROUGH,
    ROUGH_YESTERDAY,
    STEP,
)

WEARS_OFF_HOURS: Final = 72.0
"""The time constant with which what is rare for days becomes the new usual."""
MEAN_RARITY: Final = 1 / math.log(10)
"""Of what comes from the history that it is judged by."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What is looked at."""

    name: str
    place: int
    """Of the signal in a row of signals."""
    weight: float
    measure: int | None = None
    """The one that it is about, by its place in `MEASURES`; None for several."""
    causes: tuple[int, ...] = ()
    """Places of signals that explain it in part."""
    two_sided: bool = True
    """Whether low values are as remarkable as high ones."""


@dataclass(frozen=True, slots=True)
class LearntChannel:
    """A channel in one city."""

    usual: float
    """What the signal is where its causes are as they mostly are."""
    causes: tuple[tuple[int, float, float], ...]
    """Place, coefficient and mean of each signal that explains it."""
    rarity: Rarity

    def unexplained(self, signal: float, row: Sequence[float]) -> float:
        """What is left of a signal; a cause that is not known is taken to be as it mostly is."""
        left = signal - self.usual
        for place, coefficient, mean in self.causes:
            cause = row[place]
            if cause == cause:  # noqa: PLR0124 - the quickest test for a number
                left -= coefficient * (cause - mean)
        return left


def news(rarity: float, mean: float) -> float:
    """What is left of a rarity where the mean of the last days is above what it usually is.

    >>> news(5.0, MEAN_RARITY), round(news(5.0, MEAN_RARITY + 3.0), 6)
    (5.0, 2.0)
    """
    return max(rarity - max(mean - MEAN_RARITY, 0.0), 0.0)


def score_of(weighted: Iterable[tuple[float, float]]) -> float:
    """The score, from each channel's weight and rarity.

    >>> score_of([(0.5, 2.0), (0.5, 2.0)])
    2.0
    """
    return math.log10(sum([weight * 10**rarity for weight, rarity in weighted]))


def _rough(measure: int, weight: float) -> Channel:
    others = tuple(ROUGH + other for other in range(COUNT) if other != measure)
    return Channel(
        "unsteady",
        ROUGH + measure,
        weight,
        measure,
        (ROUGH_YESTERDAY + measure, *others),
        two_sided=False,
    )


def _level(measure: int, weight: float) -> Channel:
    others = tuple(LEVEL + other for other in range(COUNT) if other != measure)
    return Channel("level", LEVEL + measure, weight, measure, (AWAY_YESTERDAY + measure, *others))


def _drift(measure: int, weight: float) -> Channel:
    others = tuple(DRIFT + other for other in range(COUNT) if other != measure)
    return Channel("drift", DRIFT + measure, weight, measure, (AWAY_YESTERDAY + measure, *others))


ALONE: Final = (
    *(Channel("step", STEP + measure, w, measure) for measure, w in enumerate((0.03, 0.01, 0.55))),
    _rough(0, 0.09),
    _level(0, 0.16),
    _drift(0, 0.03),
    Channel("joint step", JOINT, 0.24),
)
"""Of every city."""


def channels_of(normal: Normal) -> tuple[Channel, ...]:
    """The channels of a city: also those of its differences from neighbours.

    Where a neighbour tells what the weather does, what is unusual for the city alone counts little.
    """
    measures = {one.measure for one in normal.differences}
    own = [
        replace(one, weight=one.weight * _BESIDE_NEIGHBOUR) if _is_of(one, measures) else one
        for one in ALONE
    ]
    compared = [
        Channel(name, DIFFERENCES + OF_A_DIFFERENCE * place + kind, weight, one.measure)
        for place, one in enumerate(normal.differences)
        for name, kind, weight in _COMPARED
        if kind != UNSTEADY_KIND or one.measure == 0
    ]
    return (*own, *compared)


def _is_of(channel: Channel, measures: Collection[int]) -> bool:
    if channel.measure is None:
        return bool(measures)
    return channel.measure in measures and channel.name != "unsteady"


UNSTEADY_KIND: Final = 1
_COMPARED: Final = (
    ("step from neighbour", 0, 0.06),
    ("unsteady beside neighbour", UNSTEADY_KIND, 0.1),
    ("level beside neighbour", 2, 0.15),
)
_BESIDE_NEIGHBOUR: Final = 0.1
