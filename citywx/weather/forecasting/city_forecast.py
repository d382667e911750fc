"""All forecasts of one city with their past errors, or how far its history still is from them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from citywx.weather.city import City
from citywx.weather.forecasting.backtest import Predict, Question, score
from citywx.weather.forecasting.baselines import seasonal_naive
from citywx.weather.forecasting.forecast import VARIABLES, Forecast, Horizon, Method, Score
from citywx.weather.forecasting.history import History
from citywx.weather.forecasting.trend import POINTS, predict

METHODS: dict[Method, Predict] = {
    Method.LINEAR_TREND: predict,
    Method.SEASONAL_NAIVE: seasonal_naive,
}
_STALE = 24 * 3600.0
"""Seconds after which the last known value of a variable says nothing about what comes next."""


@dataclass(frozen=True, slots=True)
class CityForecast:
    """What can be said about a city, and what cannot yet."""

    city: str
    forecasts: tuple[Forecast, ...]
    collecting: dict[str, int]
    """Variables with too few points for the trend, and how many they have."""


def forecast_city(readings: pd.DataFrame, city: City) -> CityForecast:
    """Forecast every variable and horizon of a city by every method that can.

    `readings` holds that city's `timestamp` (aware), `temperature_c` and `humidity`; values that
    failed quality control are to be missing in it. The issue time is its latest `timestamp`.
    """
    if readings.empty:
        return CityForecast(city.name, (), dict.fromkeys(VARIABLES, 0))
    issue = readings["timestamp"].max().timestamp()
    forecasts: list[Forecast] = []
    collecting = {}
    for variable in VARIABLES:
        history = History.of(readings, variable)
        if len(history) < POINTS:
            collecting[variable] = len(history)
        if len(history) >= 2 and issue - history.times[-1] <= _STALE:  # noqa: PLR2004 - a step
            forecasts += _forecast(history, issue, city, variable)
    return CityForecast(city.name, tuple(forecasts), collecting)


def _forecast(history: History, issue: float, city: City, variable: str) -> list[Forecast]:
    forecasts = []
    for horizon in Horizon:
        question = Question(city, variable, horizon)
        target = question.target(history, issue)
        for method, predict_ in METHODS.items():
            prediction = predict_(history, target, variable)
            if prediction is None:
                continue
            past = score(history, question, predict_)
            forecasts.append(
                Forecast(
                    city=city.name,
                    variable=variable,
                    issue_time=datetime.fromtimestamp(issue, UTC),
                    target_time=datetime.fromtimestamp(target.time, UTC),
                    method=method,
                    horizon=horizon,
                    value=prediction.value,
                    points=min(len(history), POINTS),
                    mae=past.mae if past else None,
                    baseline_mae=past.baseline_mae if past else None,
                    skill=past.skill if past else None,
                    note=_note(prediction.note, past),
                )
            )
    return forecasts


def _note(held: str | None, past: Score | None) -> str:
    scored = (
        f"scored on {past.forecasts} past forecasts" if past else "too little history for a score"
    )
    return f"{held}; {scored}" if held else scored
