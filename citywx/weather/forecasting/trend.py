"""The paper's forecast: a straight line through the last 50 points, by index.

Kept because people ask for it by name; how well it does stands beside it (`backtest`).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from citywx.weather.city import City
from citywx.weather.forecasting.forecast import LIMITS, VARIABLES, Horizon, Prediction, Target
from citywx.weather.forecasting.forecast import next_step as next_step_after
from citywx.weather.forecasting.forecast import tomorrow as tomorrow_after
from citywx.weather.forecasting.history import History

POINTS = 50
_HOUR = 3600.0
"""Seconds between the points of tomorrow's trend: 50 points of five minutes say nothing of it."""
_RANGE_NEEDS = 7 * 86_400.0
"""Seconds of history from which on its range bounds what tomorrow can be."""
_BEYOND_RANGE = 0.5
"""How far past that range tomorrow may lie, as a share of it."""


@dataclass(frozen=True, slots=True)
class Trend:
    """`value = slope · t + intercept`, where t counts points from 0 (the oldest) on."""

    slope: float
    intercept: float
    points: int
    last_time: float
    """When point `points - 1` was observed, POSIX seconds."""
    step: float
    """Median seconds between points: what one more t means in time."""

    @classmethod
    def fit(cls, history: History) -> Self | None:
        """Fit the last 50 points with `numpy.polyfit`; None while there are fewer."""
        recent = history.last(POINTS)
        if len(recent) < POINTS:
            return None
        slope, intercept = np.polyfit(np.arange(POINTS), recent.values, 1)
        return cls(float(slope), float(intercept), POINTS, float(recent.times[-1]), recent.step)

    def at(self, moment: float) -> float:
        """The line's value at a moment: t goes on by one a step from the last point.

        One step after the last point this is the paper's `a · t_next + b` with t_next = 50.
        """
        t = self.points - 1 + (moment - self.last_time) / self.step
        return self.slope * t + self.intercept


def predict(history: History, target: Target, variable: str) -> Prediction | None:
    """The trend at the target's time (of a day: its middle), held to what is possible.

    For tomorrow, readings that come oftener than hourly are thinned to one an hour, where that
    leaves the 50 points.
    """
    trend = _trend_for(history, target)
    if trend is None:
        return None
    low, high = LIMITS[variable]
    span = history.times[-1] - history.times[0]
    if target.horizon is Horizon.TOMORROW and span >= _RANGE_NEEDS:
        lowest, highest = float(np.min(history.values)), float(np.max(history.values))
        slack = _BEYOND_RANGE * (highest - lowest)
        low, high = max(low, lowest - slack), min(high, highest + slack)
    value = trend.at(target.time)
    held = min(max(value, low), high)
    if held == value:
        return Prediction(value)
    return Prediction(
        held, f"the line points at {value:.1f}: held between {low:.1f} and {high:.1f}"
    )


def _trend_for(history: History, target: Target) -> Trend | None:
    trend = Trend.fit(history)
    if trend is not None and target.horizon is Horizon.TOMORROW and trend.step < _HOUR / 2:
        return Trend.fit(history.thinned(_HOUR)) or trend
    return trend


@dataclass(frozen=True, slots=True)
class Outlook:
    """The trend of one variable: its next step, and tomorrow's value."""

    next_step: float
    tomorrow: float


def predict_tomorrow_for_city(readings: pd.DataFrame, city: City) -> dict[str, Outlook | None]:
    """Temperature (°C) and humidity (%) of a city's next step and next local day, by its trend.

    `readings` holds that city's `timestamp` (aware), `temperature_c` and `humidity`, in any order.
    Next step: the line through the last 50 points, by index, at index 50. Tomorrow: the same line
    at the middle of the local day after the latest reading's, one index a median step; readings
    that come oftener than hourly are thinned to one an hour for it. None for a variable with fewer
    than 50 points.
    """
    return {
        variable: _outlook(History.of(readings, variable), city, variable) for variable in VARIABLES
    }


def _outlook(history: History, city: City, variable: str) -> Outlook | None:
    trend = Trend.fit(history)
    if trend is None:
        return None
    issue = float(history.times[-1])
    step = predict(history, next_step_after(issue, trend.step), variable)
    day = predict(history, tomorrow_after(issue, city), variable)
    return Outlook(step.value, day.value) if step and day else None
