"""Charts are made from data frames alone."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from citywx.weather.reading import MEASURES
from dashboard import charts, flags, tables
from dashboard.charts import TimeAxis

CAIRO = TimeAxis("Africa/Cairo", "Africa/Cairo")


@pytest.fixture
def readings() -> pd.DataFrame:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = [start + timedelta(hours=hour) for hour in range(4)]
    frame = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(times, utc=True),
            "city": ["Cairo", "Oslo"] * 2,
            **{name: [1.0, 2.0, float("nan"), 4.0] for name in MEASURES},
            "qc_flags": [[], ["TEMPERATURE_STEP"], ["HUMIDITY_STEP"], []],
            "imputed": [[], [], [], ["humidity"]],
        }
    )
    return flags.with_sentences(frame, "temperature_c")


def test_times_are_drawn_as_wall_time_of_the_city(readings: pd.DataFrame) -> None:
    local = charts.wall_time(readings, CAIRO)["local"]
    assert local.iloc[0] == pd.Timestamp("2026-01-01 02:00")
    assert local.dt.tz is None


def test_a_city_has_one_colour_whatever_else_is_chosen() -> None:
    every = charts.city_colours(["Oslo", "Cairo", "Lima"])
    assert every == charts.city_colours(["Lima", "Oslo", "Cairo"])
    assert len(set(every.values())) == 3


def test_missing_values_leave_no_points(readings: pd.DataFrame) -> None:
    chart = charts.trend(readings, "humidity", "#123456", CAIRO)
    assert len(chart.data) == 3


def test_the_temperature_axis_does_not_begin_at_zero(readings: pd.DataFrame) -> None:
    drawn = charts.trend(readings, "temperature_c", "#123456", CAIRO).to_dict()
    assert drawn["encoding"]["y"]["scale"]["zero"] is False
    assert drawn["encoding"]["y"]["title"] == "°C"


def test_only_doubts_about_the_drawn_measure_are_marked(readings: pd.DataFrame) -> None:
    chart = charts.history(readings, "temperature_c", "#123456", CAIRO)
    line, marks = chart.layer
    assert len(line.data) == 3
    assert list(marks.data["doubts"]) == [
        "Temperature jumped further than weather does in that time"
    ]


def test_a_history_without_doubts_has_only_its_line(readings: pd.DataFrame) -> None:
    chart = charts.history(readings.assign(doubts=""), "temperature_c", "#123456", CAIRO)
    assert len(chart.layer) == 1


def test_a_comparison_keeps_each_citys_colour(readings: pd.DataFrame) -> None:
    colours = charts.city_colours(["Cairo", "Lima", "Oslo"])
    drawn = charts.compare(readings, "temperature_c", colours, charts.UTC_AXIS).to_dict()
    scale = drawn["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {
        "Cairo": colours["Cairo"],
        "Oslo": colours["Oslo"],
    }


def test_every_outcome_of_a_line_is_in_the_accounting() -> None:
    batch = {"loaded_at": datetime(2026, 1, 1, tzinfo=UTC), **dict.fromkeys(charts.OUTCOMES, 1)}
    chart = charts.accounting(pd.DataFrame([batch]))
    assert set(chart.data["outcome"]) == set(charts.OUTCOMES)


def test_a_line_is_broken_where_nothing_was_observed_for_long() -> None:
    hours = [0, 1, 2, 10, 11]
    drawn = pd.DataFrame(
        {
            "local": [datetime(2026, 3, 1, hour) for hour in hours],  # noqa: DTZ001 - wall time
            "city": "Oslo",
            "humidity": [50.0, None, 52.0, 53.0, 54.0],
        }
    )
    broken = charts.broken_at_gaps(drawn, "humidity")
    assert broken["humidity"].isna().tolist() == [False, False, True, False, False]
    assert broken["local"].is_monotonic_increasing


def test_a_cards_axis_never_blows_up_noise() -> None:
    assert charts.domain(pd.Series([9.27, 9.29])) == pytest.approx([8.28, 10.28])
    assert charts.domain(pd.Series([5.0, float("nan"), 20.0])) == [5.0, 20.0]


def test_latency_is_told_of_live_events_where_there_are_some() -> None:
    seen = pd.Timestamp("2026-03-01T12:00Z")
    frame = pd.DataFrame(
        {
            "observed_at": [seen, seen - pd.Timedelta(days=9)],
            "decided_at": [seen + pd.Timedelta(seconds=1)] * 2,
            "latency_ms": [5.0, 700.0],
        }
    )
    assert "median 5.0 ms" in tables.latency_sentence(frame)
    assert "median 700.0 ms" in tables.latency_sentence(frame.iloc[1:])
