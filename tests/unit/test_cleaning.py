from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from citywx.weather.cleaning import CLEAN_COLUMNS, CleaningRules, best_source, clean_city
from citywx.weather.schemas import WeatherReadings, failure_cases


def message(temperature: float | None) -> str | None:
    return None if temperature is None else f"{temperature:.0f} degrees"


RULES = CleaningRules(("station", "model"), low_temp_c=10.0, temp_message=message)


def raw(*temperatures: float | None, source: str = "station", minutes: int = 60) -> pd.DataFrame:
    count = len(temperatures)
    return pd.DataFrame(
        {
            "source": source,
            "city": "Oslo",
            "timestamp": pd.date_range(
                "2026-03-01", periods=count, freq=f"{minutes}min", tz="UTC", unit="us"
            ),
            "temperature_c": pd.array(temperatures, dtype="float64"),
            "humidity": np.linspace(50, 60, count),
            "pressure": np.linspace(1010, 1012, count),
            "wind_speed": np.linspace(3, 4, count),
            "weather": "clear",
        }
    )


def clean(frame: pd.DataFrame) -> pd.DataFrame:
    cleaned = clean_city(frame, RULES)
    assert failure_cases(WeatherReadings, cleaned).passed
    return cleaned


def test_a_clean_row_keeps_its_values_and_says_what_they_mean() -> None:
    rows = clean(raw(23.0, 23.1, 16.0, 9.9, 10.0))
    assert list(rows.columns) == list(CLEAN_COLUMNS)
    assert list(rows["mod_high_temp"]) == [False, True, False, False, False]
    assert list(rows["low_temp"]) == [False, False, False, True, False]
    assert list(rows["temp_message"][2:]) == ["16 degrees", "10 degrees", "10 degrees"]
    assert rows["qc_flags"].map(len).sum() == 0


def test_a_short_gap_is_filled_in_linearly_and_marked() -> None:
    rows = clean(raw(10.0, None, None, 13.0))
    assert list(rows["temperature_c"]) == pytest.approx([10, 11, 12, 13])
    assert list(rows["imputed"]) == [[], ["temperature_c"], ["temperature_c"], []]
    assert list(rows["qc_flags"]) == [[], ["IMPUTED"], ["IMPUTED"], []]


def test_a_gap_of_more_than_three_hours_or_with_an_open_end_stays_a_gap() -> None:
    rows = clean(raw(None, 10.0, None, None, None, 13.0, None))
    assert list(rows["temperature_c"].notna()) == [False, True, False, False, False, True, False]
    assert rows["mod_high_temp"].isna().sum() == 5
    assert rows["low_temp"].isna().sum() == 5
    assert rows["temp_message"].isna().sum() == 5


def test_nothing_is_filled_in_beside_a_doubtful_value() -> None:
    rows = clean(raw(10.0, None, 80.0, None, 11.0, None, 12.0))
    assert list(rows["temperature_c"].isna()) == [False, True, False, True, False, False, False]


def test_an_impossible_value_stays_with_its_flag_and_without_a_message() -> None:
    rows = clean(raw(10.0, 80.0, 11.0))
    assert rows["temperature_c"][1] == 80.0
    assert "TEMPERATURE_RANGE" in rows["qc_flags"][1]
    assert rows["mod_high_temp"][1]
    assert pd.isna(rows["temp_message"][1])


def test_each_time_has_one_row_from_the_best_source_that_has_it() -> None:
    model = raw(10.5, 11.5, 12.5, source="model")
    unknown = raw(1.0, 2.0, 3.0, 4.0, source="a stranger")
    rows = best_source(pd.concat([unknown, model, raw(10.0, 11.0)]), RULES.source_order)
    assert list(rows["source"]) == ["station", "station", "model", "a stranger"]
    assert list(rows["other_temperature_c"][:3]) == [10.5, 11.5, 3.0]
    assert pd.isna(rows["other_temperature_c"][3])


def test_sources_that_disagree_are_flagged() -> None:
    rows = clean(pd.concat([raw(10.0, 10.5), raw(10.2, 17.0, source="model")]))
    assert list(rows["qc_flags"]) == [[], ["SOURCES_DISAGREE"]]


def test_the_order_of_raw_rows_does_not_matter_and_they_stay_as_they_were() -> None:
    frame = pd.concat([raw(*np.linspace(5, 30, 40)), raw(*np.linspace(6, 31, 40), source="model")])
    shuffled = frame.sample(frac=1, random_state=1)
    before = shuffled.copy(deep=True)
    pd.testing.assert_frame_equal(clean(shuffled), clean(frame))
    pd.testing.assert_frame_equal(shuffled, before)


def test_no_readings_make_no_rows() -> None:
    assert clean(raw()).empty


def test_a_reading_reaches_as_far_as_the_longest_test() -> None:
    assert RULES.reach == timedelta(hours=24)
