"""From signals to one score: what is looked at, and what share of the alarms each channel may have.

A channel takes one signal, less what the others and the day before let expect of it, and says how
rare that is in the city's own history. The score is the logarithm of the weighted sum of their
odds: where one is very rare it rules, and several that are somewhat rare add up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
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


def score_of(weighted: Sequence[tuple[float, float]]) -> float:
    """The score, from each channel's weight and rarity.

    >>> score_of([(0.5, 2.0), (0.5, 0.0)])
    1.70329137811866
    """
    return math.log10(sum([weight * 10**rarity for weight, rarity in weighted]))


def _rough(measure: int, weight: float) -> Channel:
    others = tuple(ROUGH + other for other in range(COUNT) if other != measure)
    return Channel(
        "unsteady", ROUGH + measure, weight, measure, (ROUGH_YESTERDAY + measure, *others), False
    )


def _level(measure: int, weight: float) -> Channel:
    others = tuple(LEVEL + other for other in range(COUNT) if other != measure)
    return Channel("level", LEVEL + measure, weight, measure, (AWAY_YESTERDAY + measure, *others))


def _drift(measure: int, weight: float) -> Channel:
    others = tuple(DRIFT + other for other in range(COUNT) if other != measure)
    return Channel("drift", DRIFT + measure, weight, measure, (AWAY_YESTERDAY + measure, *others))


ALONE: Final = (
    *(Channel("step", STEP + measure, w, measure) for measure, w in enumerate((0.12, 0.03, 0.04))),
    _rough(0, 0.5),
    _level(0, 0.04),
    _drift(0, 0.2),
    Channel("joint step", JOINT, 0.1),
)
"""Of every city."""


def channels_of(normal: Normal) -> tuple[Channel, ...]:
    """The channels of a city: also those of its differences from neighbours."""
    compared = [
        Channel(name, DIFFERENCES + OF_A_DIFFERENCE * place + kind, weight, one.measure)
        for place, one in enumerate(normal.differences)
        for kind, (name, weight) in enumerate(_COMPARED)
    ]
    return (*ALONE, *compared)


_COMPARED: Final = (
    *(("step from neighbour", 0.05), ("unsteady beside neighbour", 0.05)),
    *(("level beside neighbour", 0.1), ("drift from neighbour", 0.05)),
)
