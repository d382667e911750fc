"""How rare a number is among those of a history: the negative logarithm of its tail's share.

>>> rarity = learn_rarity(np.arange(1000.0))
>>> [round(rarity.of(value), 2) for value in (500.0, 900.0, 980.0)]
[0.3, 1.01, 1.72]
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KNOTS: Final = (0.0, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99)
"""Quantiles between which rarity is linear; the last knot is the beginning of the tail."""
GREATEST: Final = 12.0

_TAIL: Final = 0.005  # the share beyond which a Pareto tail goes on
_FEWEST_OF_TAIL: Final = 15
_STEEPEST: Final = 20.0
_APART: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Rarity:
    """Ascending values, how rare each is, and how fast rarity grows beyond the last.

    The tail is Pareto's: sensors and weather alike have jumps far beyond what is common, and a
    thinner tail would call the second of them a wonder.
    """

    values: tuple[float, ...]
    rarities: tuple[float, ...]
    power: float
    """Of the tail: rarity grows by so much with each factor of ten."""

    def of(self, value: float) -> float:
        """−log10 of the share of the history above the value: 1 for a tenth, 2 for a hundredth.

        Beyond what the history holds it grows on, up to `GREATEST`. No number is not rare: 0.
        """
        values = self.values
        place = bisect_right(values, value)
        if value != value or not place:  # noqa: PLR0124 - the quickest test for no number
            return 0.0
        low, start = values[place - 1], self.rarities[place - 1]
        if place == len(values):
            return min(start + self.power * math.log10(value / low), GREATEST)
        return start + (value - low) / (values[place] - low) * (self.rarities[place] - start)


def learn_rarity(history: Floats) -> Rarity:
    """From a history of any order; what is not a number is left out.

    Where there is no number at all, nothing is rare.
    """
    known = np.sort(history[np.isfinite(history)])
    if not len(known):
        return Rarity((0.0,), (0.0,), 0.0)
    tail = min(max(int(len(known) * _TAIL), _FEWEST_OF_TAIL), len(known))
    begins = max(float(known[-tail]), _APART)
    beyond = float(np.mean(np.log(np.maximum(known[-tail:], begins) / begins)))
    share = tail / len(known)
    knots = [knot for knot in KNOTS if 1 - knot > share]
    values = [*np.quantile(known, knots).tolist(), begins]
    distinct = np.maximum.accumulate(values) + np.arange(len(values)) * _APART
    rarities = [*(-math.log10(1 - knot) for knot in knots), -math.log10(share)]
    return Rarity(
        tuple(distinct.tolist()), tuple(rarities), min(1 / max(beyond, _APART), _STEEPEST)
    )
