"""Summaries of local days: the city's clock, what is left out, what is never invented."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from citywx.weather.city import City
from citywx.weather.summaries import Period, PeriodSummary, period_bounds, summarise_periods

CAIRO = City("Cairo", time_zone="Africa/Cairo")
NEW_YORK = City("New York", time_zone="America/New_York")


def frame(city: str, start: datetime, hours: int, **columns: object) -> pd.DataFrame:
    values: dict[str, object] = {
        "temperature_c": 20.0,
        "humidity": 50.0,
        "pressure": 1013.0,
        "wind_speed": 3.0,
        "weather": "few clouds",
    }
    moments = [start + timedelta(hours=number) for number in range(hours)]
    data: dict[str, object] = {"timestamp": pd.to_datetime(moments, utc=True), "city": city}
    return pd.DataFrame(data | values | columns)


def by_period(readings: pd.DataFrame, city: City, day: date) -> dict[str, PeriodSummary]:
    return {summary.period: summary for summary in summarise_periods(readings, city, day)}


@pytest.mark.parametrize(
    ("city", "day", "hours"),
    [
        (CAIRO, date(2026, 3, 10), 24),
        (CAIRO, date(2024, 4, 26), 23),  # clocks go forward at midnight
        (NEW_YORK, date(2026, 3, 8), 23),
        (NEW_YORK, date(2026, 11, 1), 25),
        (City("Adelaide", time_zone="Australia/Adelaide"), date(2026, 4, 5), 25),
        (CAIRO, date(2024, 2, 29), 24),
    ],
)
def test_a_local_day_has_the_hours_that_its_clocks_count(city: City, day: date, hours: int) -> None:
    readings = frame(city.name, datetime(day.year, day.month, day.day, tzinfo=UTC), 1)
    readings = frame(city.name, readings["timestamp"].iloc[0] - timedelta(days=2), 24 * 5)
    found = by_period(readings, city, day)
    assert found["day"].readings == hours
    assert found["morning"].readings == 6
    assert found["evening"].readings == 6


def test_periods_follow_the_citys_clock_and_touch_without_overlap() -> None:
    start, end = period_bounds(CAIRO, date(2026, 1, 10), Period.EVENING)
    assert start == datetime(2026, 1, 10, 16, tzinfo=UTC)
    assert end == period_bounds(CAIRO, date(2026, 1, 11), Period.DAY)[0]


def test_values_outside_the_hard_ranges_are_left_out_and_their_rows_kept() -> None:
    temperatures = [20.0] * 24
    temperatures[8] = 999.0
    readings = frame("Cairo", datetime(2026, 1, 9, 22, tzinfo=UTC), 24, temperature_c=temperatures)
    before = readings.copy()
    day = by_period(readings, CAIRO, date(2026, 1, 10))["day"]
    assert (day.readings, day.temperature_max, day.temperature_mean) == (24, 20.0, 20.0)
    pd.testing.assert_frame_equal(readings, before)


def test_a_period_without_readings_has_no_values() -> None:
    morning_only = frame("Cairo", datetime(2026, 1, 10, 5, tzinfo=UTC), 2)
    evening = by_period(morning_only, CAIRO, date(2026, 1, 10))["evening"]
    assert evening == PeriodSummary("Cairo", date(2026, 1, 10), "evening")
    nothing = by_period(morning_only.iloc[:0], CAIRO, date(2026, 1, 10))
    assert all(summary.readings == 0 for summary in nothing.values())


def test_columns_that_report_nothing_give_no_value() -> None:
    readings = frame(
        "Cairo", datetime(2026, 1, 10, 5, tzinfo=UTC), 3, wind_speed=None, weather=None
    )
    morning = by_period(readings, CAIRO, date(2026, 1, 10))["morning"]
    assert (morning.wind_mean, morning.wind_max, morning.weather) == (None, None, None)
    assert morning.temperature_mean == 20.0


def test_other_cities_are_left_aside() -> None:
    start = datetime(2026, 1, 10, 5, tzinfo=UTC)
    both = pd.concat([frame("Cairo", start, 2), frame("Oslo", start, 9)])
    assert by_period(both, CAIRO, date(2026, 1, 10))["day"].readings == 2


def test_the_most_frequent_weather_is_named_and_the_latest_of_equals() -> None:
    words = ["mist", "few clouds", "mist", "light rain", "light rain"]
    readings = frame("Cairo", datetime(2026, 1, 10, 5, tzinfo=UTC), 5, weather=words)
    assert by_period(readings, CAIRO, date(2026, 1, 10))["morning"].weather == "light rain"


def test_advice_looks_at_the_extremes_and_at_every_word() -> None:
    readings = frame(
        "Cairo",
        datetime(2026, 1, 10, 5, tzinfo=UTC),
        4,
        temperature_c=[5.0, 20.0, 39.0, 20.0],
        wind_speed=[1.0, 1.0, 1.0, 15.0],
        weather=["light rain", "few clouds", "few clouds", "few clouds"],
    )
    advice = " ".join(by_period(readings, CAIRO, date(2026, 1, 10))["morning"].advice)
    for word in ("umbrella", "warm coat", "Near gale", "Dangerous heat"):
        assert word in advice
