"""Forecasts with known numbers."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from citywx.weather.city import City
from citywx.weather.forecasting.backtest import Question, score
from citywx.weather.forecasting.baselines import seasonal_naive
from citywx.weather.forecasting.city_forecast import forecast_city
from citywx.weather.forecasting.forecast import Horizon, Method, next_step, tomorrow
from citywx.weather.forecasting.history import History
from citywx.weather.forecasting.trend import Trend, predict, predict_tomorrow_for_city

START = datetime(2026, 3, 1, tzinfo=UTC)
OSLO = City("Oslo", time_zone="Europe/Oslo")


def readings(values: list[float], *, minutes: float = 60.0) -> pd.DataFrame:
    times = [START + timedelta(minutes=minutes * n) for n in range(len(values))]
    frame = pd.DataFrame({"temperature_c": values, "humidity": values})
    return frame.assign(timestamp=pd.to_datetime(times, utc=True))


def daily_wave(days: int) -> list[float]:
    return [10 + 5 * np.sin(2 * np.pi * hour / 24) for hour in range(24 * days)]


def test_a_straight_line_goes_straight_on() -> None:
    outlook = predict_tomorrow_for_city(readings([0.5 * n for n in range(50)]), OSLO)

    temperature = outlook["temperature_c"]
    assert temperature is not None
    assert temperature.next_step == pytest.approx(25.0)


def test_tomorrow_is_the_line_at_the_middle_of_the_next_local_day() -> None:
    # The last of 50 hourly points is 3 March 01:00 UTC; the middle of 4 March in Oslo, 11:00 UTC.
    temperature = predict_tomorrow_for_city(readings([0.5 * n for n in range(50)]), OSLO)[
        "temperature_c"
    ]

    assert temperature is not None
    assert temperature.tomorrow == pytest.approx(0.5 * (49 + 34))


def test_only_the_last_50_points_count() -> None:
    values = [99.0] * 30 + [float(n) for n in range(50)]

    trend = Trend.fit(History.of(readings(values), "temperature_c"))

    assert trend is not None
    assert (trend.slope, trend.intercept) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-9))


def test_the_trend_is_numpys_polyfit_by_index_whatever_the_cadence() -> None:
    frame = readings([float(n % 7) for n in range(60)])
    frame["timestamp"] += pd.to_timedelta(np.arange(60) ** 2, unit="s")
    slope, intercept = np.polyfit(np.arange(50), frame["temperature_c"].to_numpy()[-50:], 1)

    temperature = predict_tomorrow_for_city(frame, OSLO)["temperature_c"]

    assert temperature is not None
    assert temperature.next_step == pytest.approx(slope * 50 + intercept)


def test_49_points_have_no_trend_yet() -> None:
    made = forecast_city(readings([1.0] * 49), OSLO)

    assert made.collecting == {"temperature_c": 49, "humidity": 49}
    assert {forecast.method for forecast in made.forecasts} == {Method.SEASONAL_NAIVE}


def test_missing_values_are_no_points() -> None:
    made = forecast_city(readings([1.0, float("nan")] * 30), OSLO)

    assert made.collecting == {"temperature_c": 30, "humidity": 30}


def test_no_readings_have_no_forecast() -> None:
    assert forecast_city(readings([]), OSLO).forecasts == ()


def test_humidity_never_leaves_0_to_100() -> None:
    made = forecast_city(readings([50 + n for n in range(50)]), OSLO)

    values = [f.value for f in made.forecasts if f.variable == "humidity"]
    held = [f for f in made.forecasts if f.note and "held between" in f.note]
    assert max(values) <= 100
    assert held


def test_a_steep_line_is_held_to_what_the_last_weeks_were_like() -> None:
    frame = readings(daily_wave(10) + [10 + 3 * n for n in range(50)], minutes=60)
    history = History.of(frame, "temperature_c")

    prediction = predict(history, tomorrow(history.times[-1], OSLO), "temperature_c")

    assert prediction is not None
    assert prediction.value == pytest.approx(60.0)
    assert prediction.note is not None


def test_a_constant_city_stays_constant_and_has_no_skill() -> None:
    made = forecast_city(readings([7.0] * 24 * 14), OSLO)

    assert {round(f.value, 9) for f in made.forecasts} == {7.0}
    assert {f.skill for f in made.forecasts} == {None}
    assert all(f.mae == pytest.approx(0, abs=1e-9) for f in made.forecasts)


def test_yesterdays_value_is_exact_where_every_day_is_the_same() -> None:
    history = History.of(readings(daily_wave(14)), "temperature_c")

    naive = score(history, Question(OSLO, "temperature_c", Horizon.NEXT_STEP), seasonal_naive)
    trend = score(history, Question(OSLO, "temperature_c", Horizon.NEXT_STEP), predict)

    assert naive is not None
    assert trend is not None
    assert naive.mae == pytest.approx(0, abs=1e-9)
    assert trend.mae > 1


def test_the_trend_has_skill_where_values_rise_steadily() -> None:
    history = History.of(readings([0.1 * n for n in range(24 * 14)]), "temperature_c")

    past = score(history, Question(OSLO, "temperature_c", Horizon.NEXT_STEP), predict)

    assert past is not None
    assert past.baseline_mae == pytest.approx(2.4)
    assert past.skill == pytest.approx(1.0)


def test_a_backtest_sees_nothing_of_the_future() -> None:
    calm = daily_wave(14)
    history = History.of(readings(calm), "temperature_c")
    seen: list[float] = []

    def spy(known: History, target: object, variable: str) -> None:
        del target, variable
        seen.append(float(known.times[-1]))

    score(history, Question(OSLO, "temperature_c", Horizon.TOMORROW), spy)

    assert seen
    assert max(seen) < history.times[-1]


def without_hours(frame: pd.DataFrame, first: int, last: int) -> History:
    age = (frame["timestamp"].max() - frame["timestamp"]) / pd.Timedelta(hours=1)
    return History.of(frame[~age.between(first, last)], "temperature_c")


def test_seasonal_naive_has_no_value_where_yesterdays_is_missing() -> None:
    history = without_hours(readings([1.0] * 72), 22, 25)
    latest = float(history.times[-1])

    assert seasonal_naive(history, next_step(latest, 3600), "temperature_c") is None


def test_seasonal_naive_has_no_mean_of_a_day_with_a_long_gap() -> None:
    history = without_hours(readings([1.0] * 72), 5, 12)
    latest = float(history.times[-1])

    assert seasonal_naive(history, tomorrow(latest, OSLO), "temperature_c") is None


def test_tomorrow_has_23_hours_when_clocks_go_forward() -> None:
    saturday = datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp()

    target = tomorrow(saturday, OSLO)

    assert target.end - target.start == 23 * 3600


def test_a_mean_over_time_is_not_drawn_to_dense_stretches() -> None:
    hours = np.arange(0, 25, dtype="float64") * 3600
    dense = np.arange(0, 3600, 10.0)
    times = np.union1d(hours, dense)
    history = History(times, times / 3600)

    assert history.mean_between(0, 86_400) == pytest.approx(12.0)


def test_forecasts_know_no_other_clock_than_the_latest_reading() -> None:
    made = forecast_city(readings(daily_wave(3)), OSLO)

    assert {f.issue_time for f in made.forecasts} == {START + timedelta(hours=71)}


def test_a_few_fast_minutes_do_not_rule_tomorrow() -> None:
    hourly = readings([20.0 + hour / 100 for hour in range(100)])
    last = hourly["timestamp"].iloc[-1]
    fast = pd.DataFrame(
        {
            "timestamp": [last + timedelta(seconds=5 * number) for number in range(1, 61)],
            "temperature_c": [21.0 + number / 10 for number in range(60)],
            "humidity": 50.0,
        }
    )
    both = pd.concat([hourly, fast], ignore_index=True)
    tomorrow_then = predict_tomorrow_for_city(both, City("Oslo"))["temperature_c"]
    assert tomorrow_then is not None
    assert tomorrow_then.next_step == pytest.approx(27.0)
    assert 20 < tomorrow_then.tomorrow < 26


def test_fast_readings_alone_are_taken_as_they_are() -> None:
    fast = readings([20.0] * 60, minutes=0.1)
    then = predict_tomorrow_for_city(fast, City("Oslo"))["temperature_c"]
    assert then is not None
    assert then.tomorrow == pytest.approx(20.0)


def test_thinning_keeps_the_newest_value_of_each_hour() -> None:
    history = History.of(readings([float(n) for n in range(13)], minutes=15), "temperature_c")
    assert list(history.thinned(3600).values) == [0.0, 4.0, 8.0, 12.0]
    assert len(history.last(0).thinned(3600)) == 0
