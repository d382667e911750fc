from datetime import UTC, date, datetime

import pandas as pd
import pytest

from citywx.weather.quality.flags import mask_of, measure_mask
from citywx.weather.schemas import (
    CityPredictions,
    DailySummaries,
    RawReadings,
    WeatherReadings,
    failure_cases,
    typed_frame,
)

FILLED = {"qc_flags": mask_of(["IMPUTED"]), "imputation": "linear in time"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def weather_row(**changes: object) -> tuple[object, ...]:
    row: dict[str, object] = {
        "timestamp": NOON,
        "city": "Oslo",
        "temperature_c": 12.0,
        "humidity": None,
        "pressure": 1010.0,
        "wind_speed": 3.0,
        "weather": None,
        "mod_high_temp": False,
        "temp_message": "Mild",
        "low_temp": False,
        "source": "csv",
        "qc_flags": 0,
        "imputed": 0,
        "qc_verdict": 1,
        "imputation": None,
        "qc_version": 1,
    }
    return tuple((row | changes).values())


def test_good_rows_pass_also_when_there_are_none() -> None:
    assert failure_cases(WeatherReadings, typed_frame(WeatherReadings, [weather_row()])).passed
    assert failure_cases(WeatherReadings, typed_frame(WeatherReadings, [])).passed


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        (
            "measures_are_finite",
            {"humidity": float("inf"), "qc_flags": mask_of(["HUMIDITY_RANGE"]), "qc_verdict": 4},
        ),
        ("flags_are_known", {"qc_flags": mask_of(["MADE_UP"])}),
        ("imputed_are_measures", {"imputed": measure_mask(["weather"]), **FILLED}),
        ("mod_high_temp_means_above_23", {"temperature_c": 23.5}),
        ("mod_high_temp_means_above_23", {"mod_high_temp": None}),
        ("low_temp_is_known_with_the_temperature", {"low_temp": None}),
        ("impossible_values_are_flagged", {"pressure": 700.0}),
        ("the_verdict_follows_from_the_flags", {"qc_flags": mask_of(["WIND_STUCK"])}),
        ("the_verdict_follows_from_the_flags", {"qc_verdict": 3}),
        ("isin((1, 2, 3, 4, 9))", {"qc_verdict": 5}),
        ("impossible_values_are_flagged", {"qc_flags": mask_of(["WIND_RANGE"]), "qc_verdict": 4}),
        ("imputed_values_exist_and_are_flagged", {"imputed": measure_mask(["pressure"])}),
        (
            "imputed_values_exist_and_are_flagged",
            {"imputed": measure_mask(["humidity"]), **FILLED},
        ),
        ("not_nullable", {"source": None}),
    ],
)
def test_a_planted_bad_row_fails_alone_and_is_reported(
    check: str, changes: dict[str, object]
) -> None:
    other = weather_row(city="Rome")
    report = failure_cases(
        WeatherReadings, typed_frame(WeatherReadings, [other, weather_row(**changes)])
    )
    assert (report.rows, report.count) == (2, 1)
    assert report.sample[0]["check"] == check
    assert "Oslo" in report.sample[0]["row"]


def test_two_rows_for_one_time_fail_and_the_sample_is_bounded() -> None:
    rows = [weather_row() for _ in range(50)]
    report = failure_cases(WeatherReadings, typed_frame(WeatherReadings, rows))
    assert report.count == 50
    assert len(report.sample) == 20


def test_a_missing_or_unknown_column_fails() -> None:
    frame = typed_frame(WeatherReadings, [weather_row()])
    assert not failure_cases(WeatherReadings, frame.drop(columns="humidity")).passed
    assert not failure_cases(WeatherReadings, frame.assign(more=1)).passed


def test_a_raw_reading_may_be_unbelievable_but_not_doubled() -> None:
    row = ("csv", "Oslo", NOON, 900.0, None, None, None, None)
    assert failure_cases(RawReadings, typed_frame(RawReadings, [row])).passed
    assert failure_cases(RawReadings, typed_frame(RawReadings, [row, row])).count == 2
    infinite = (*row[:3], float("-inf"), *row[4:])
    assert failure_cases(RawReadings, typed_frame(RawReadings, [infinite])).count == 1


def test_a_prediction_is_about_the_future_and_has_a_value_or_a_reason() -> None:
    good = ("Oslo", "humidity", NOON, NOON.replace(day=2), "trend", "tomorrow")
    rows = [
        (*good, 55.0, 3.0, 4.0, 0.25, 50, None),
        ("Rome", *good[1:], None, None, None, None, 2, "collecting: 2 of 50"),
    ]
    assert failure_cases(CityPredictions, typed_frame(CityPredictions, rows)).passed
    bad = (*good, None, None, None, None, 2, None)
    assert failure_cases(CityPredictions, typed_frame(CityPredictions, [bad])).count == 1
    late = ("Oslo", "humidity", NOON, NOON, "trend", "tomorrow", 55.0, 3.0, 4.0, 0.25, 50, None)
    assert failure_cases(CityPredictions, typed_frame(CityPredictions, [late])).count == 1


def test_a_summary_s_mean_lies_between_its_extremes() -> None:
    good = ("Oslo", date(2026, 3, 1), "day", 24, 10.0, 5.0, 15.0, 50.0, 1010.0, 3.0, 5.0, "clear")
    assert failure_cases(DailySummaries, typed_frame(DailySummaries, [good])).passed
    bad = (*good[:4], 20.0, *good[5:])
    report = failure_cases(DailySummaries, typed_frame(DailySummaries, [bad]))
    assert report.sample[0]["check"] == "means_lie_between_the_extremes"


def test_typed_frames_have_the_types_that_the_models_ask_for() -> None:
    frame = typed_frame(WeatherReadings, [weather_row()])
    assert str(frame["timestamp"].dtype) == "datetime64[us, UTC]"
    assert isinstance(frame["mod_high_temp"].dtype, pd.BooleanDtype)
