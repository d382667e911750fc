"""How well a method would have done: rolling origin over the city's own recent past.

At each origin a method sees only what was known then, exactly as it does today.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from citywx.weather.city import City
from citywx.weather.forecasting.baselines import seasonal_naive
from citywx.weather.forecasting.forecast import (
    Horizon,
    Prediction,
    Score,
    Target,
    next_step,
    tomorrow,
)
from citywx.weather.forecasting.history import History
from citywx.weather.forecasting.trend import POINTS

Predict = Callable[[History, Target, str], Prediction | None]

DAYS = 14
_ORIGIN_SPACING = 11 * 3600.0
"""Seconds; no divisor of a day, so that origins meet every hour of it."""
_FEWEST = 5
"""Past forecasts below which an error says nothing."""
_LATE = 1.5
"""Steps after which a reading no longer is the next one."""


def origins(issue: float) -> list[float]:
    """The moments of the last 14 days at which past forecasts are made again, oldest first.

    >>> len(origins(0.0))
    30
    """
    return list(np.arange(issue - _ORIGIN_SPACING, issue - DAYS * 86_400, -_ORIGIN_SPACING)[::-1])


@dataclass(frozen=True, slots=True)
class Question:
    """What is forecast: which variable of which city, how far ahead."""

    city: City
    variable: str
    horizon: Horizon

    def target(self, history: History, issue: float) -> Target:
        """What a forecast made at `issue` from this history speaks of."""
        if self.horizon is Horizon.TOMORROW:
            return tomorrow(issue, self.city)
        return next_step(issue, history.last(POINTS).step)


def score(history: History, question: Question, method: Predict) -> Score | None:
    """Errors of `method` and of seasonal naive where both made a forecast that came due."""
    pairs = [
        pair
        for origin in origins(float(history.times[-1]))
        if (pair := _errors(history, origin, question, method)) is not None
    ]
    if len(pairs) < _FEWEST:
        return None
    mae, baseline_mae = np.mean(pairs, axis=0)
    return Score(float(mae), float(baseline_mae), len(pairs))


def _errors(
    history: History, origin: float, question: Question, method: Predict
) -> tuple[float, float] | None:
    known = history.until(origin)
    if len(known) < 2:  # noqa: PLR2004 - a step needs two points
        return None
    issue = float(known.times[-1])
    target = question.target(known, issue)
    truth = _truth(history, issue, target)
    ours = method(known, target, question.variable)
    baseline = seasonal_naive(known, target, question.variable)
    if truth is None or ours is None or baseline is None:
        return None
    return abs(ours.value - truth), abs(baseline.value - truth)


def _truth(history: History, issue: float, target: Target) -> float | None:
    if target.horizon is Horizon.TOMORROW:
        return history.mean_between(target.start, target.end)
    following = history.following(issue)
    if following is None or following[0] > issue + _LATE * (target.time - issue):
        return None
    return following[1]
