from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywx.weather.cleaning import CLEAN_COLUMNS, CleaningRules, clean_city
from citywx.weather.climatology import learn_climatology
from citywx.weather.quality.flags import QC_VERSION, flag_names, measure_names
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


def flags(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    return [flag_names(mask) for mask in rows["qc_flags"]]


def test_a_clean_row_keeps_its_values_and_says_what_they_mean() -> None:
    rows = clean(raw(23.0, 23.1, 20.0, 9.9, 10.0, minutes=150))
    assert list(rows.columns) == list(CLEAN_COLUMNS)
    assert list(rows["mod_high_temp"]) == [False, True, False, False, False]
    assert list(rows["low_temp"]) == [False, False, False, True, False]
    assert list(rows["temp_message"][2:]) == ["20 degrees", "10 degrees", "10 degrees"]
    assert flags(rows) == [()] * 5
    assert set(rows["qc_verdict"]) == {1}
    assert set(rows["qc_version"]) == {QC_VERSION}


def test_a_short_gap_is_filled_in_linearly_and_marked() -> None:
    rows = clean(raw(10.0, None, None, 13.0))
    assert list(rows["temperature_c"]) == pytest.approx([10, 11, 12, 13])
    filled = ("temperature_c",)
    assert [measure_names(mask) for mask in rows["imputed"]] == [(), filled, filled, ()]
    assert flags(rows) == [(), ("IMPUTED",), ("IMPUTED",), ()]
    assert list(rows["imputation"].fillna("")) == ["", "linear in time", "linear in time", ""]


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
    assert "TEMPERATURE_RANGE" in flags(rows)[1]
    assert rows["mod_high_temp"][1]
    assert pd.isna(rows["temp_message"][1])


def test_each_time_has_one_row_from_the_best_source_that_has_it() -> None:
    model = raw(10.5, 11.5, 12.5, source="model")
    unknown = raw(1.0, 2.0, 3.0, 4.0, source="a stranger")
    rows = clean(pd.concat([unknown, model, raw(10.0, 11.0)]))
    assert list(rows["source"]) == ["station", "station", "model", "a stranger"]
    assert list(rows["temperature_c"]) == [10.0, 11.0, 12.5, 4.0]


def test_sources_that_disagree_are_flagged() -> None:
    rows = clean(pd.concat([raw(10.0, 10.5, 11.0), raw(10.2, 17.0, 17.0, source="model")]))
    assert flags(rows) == [(), (), ("SOURCES_DISAGREE",)]
    assert list(rows["qc_verdict"]) == [1, 1, 3]


def test_a_source_is_compared_with_itself_also_where_another_has_readings_in_between() -> None:
    model = raw(*[14.0] * 6, source="model")
    model["timestamp"] += pd.Timedelta(minutes=20)
    rows = clean(pd.concat([raw(*[10.0] * 6), model]))
    assert len(rows) == 12
    assert flags(rows) == [()] * 12


def test_what_is_filled_in_comes_from_the_same_source() -> None:
    model = raw(14.0, 14.0, source="model")
    model["timestamp"] += pd.Timedelta(minutes=90)
    rows = clean(pd.concat([raw(10.0, None, 12.0), model]))
    assert list(rows["temperature_c"]) == pytest.approx([10.0, 11.0, 14.0, 12.0, 14.0])


def test_a_reading_that_came_late_says_so_and_is_believed() -> None:
    frame = raw(10.0, 10.5)
    frame["fetched_at"] = [pd.NaT, frame["timestamp"][1] + pd.Timedelta(hours=4)]
    rows = clean(frame)
    assert flags(rows) == [(), ("LATE",)]
    assert list(rows["qc_verdict"]) == [1, 1]


def test_a_row_without_any_measure_is_missing_and_one_alone_is_not_evaluated() -> None:
    frame = raw(10.0, 11.0)
    frame["timestamp"] += pd.to_timedelta([0, 5], unit="h")
    assert list(clean(frame)["qc_verdict"]) == [2, 2]
    nothing = frame.assign(
        temperature_c=np.nan, humidity=np.nan, pressure=np.nan, wind_speed=np.nan
    )
    assert list(clean(nothing)["qc_verdict"]) == [9, 9]


def test_a_city_nearby_is_evidence() -> None:
    temperatures = np.full(60, 10.0) + np.sin(np.arange(60))
    frame = raw(*temperatures)
    nearby = frame[["timestamp", "temperature_c"]].copy()
    frame.loc[30:33, "temperature_c"] += 13
    rows = clean_city(frame, RULES, nearby=nearby)
    names = [place for place, own in enumerate(flags(rows)) if "NEARBY_DISAGREES" in own]
    assert names == [30, 31, 32, 33]


def test_the_raw_rows_stay_as_they_were() -> None:
    frame = raw(*np.linspace(5, 30, 40))
    before = frame.copy(deep=True)
    clean(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_no_readings_make_no_rows_of_the_same_types() -> None:
    rows = clean(raw())
    assert rows.empty
    assert rows.dtypes.equals(clean(raw(10.0)).dtypes)


def test_a_measure_that_nobody_reports_is_no_fault() -> None:
    rows = clean(raw(10.0, 11.0, 12.0).assign(humidity=np.nan))
    assert flags(rows) == [()] * 3


HISTORY_HOURS = 24 * 20


def faulty_history(seed: int) -> pd.DataFrame:
    """Three weeks of two sources at odd times with all kinds of faults."""
    rng = np.random.default_rng(seed)
    hours = np.arange(HISTORY_HOURS)
    day = 2 * np.pi * hours / 24
    frame = raw(*np.round(2 + 6 * np.sin(day) + rng.normal(0, 0.5, HISTORY_HOURS), 1))
    frame["humidity"] = np.round(60 - 20 * np.sin(day) + rng.normal(0, 3, HISTORY_HOURS))
    frame["pressure"] = np.round(1010 + 9 * np.sin(day / 5))
    frame["wind_speed"] = np.round(np.abs(rng.normal(3, 2, HISTORY_HOURS)))
    frame["timestamp"] += pd.to_timedelta(rng.integers(0, 900, HISTORY_HOURS), unit="s")
    for _ in range(25):
        start, length = rng.integers(1, HISTORY_HOURS), rng.integers(1, 60)
        measure = rng.choice(["temperature_c", "humidity", "pressure", "wind_speed"])
        rows = slice(start, start + length)
        kind = rng.integers(0, 5)
        values = frame.loc[rows, measure]
        changed = (values * 1.8 + 32, values.abs(), values * 0 + values.iloc[0], values - 25, None)
        frame.loc[rows, measure] = np.nan if kind == 4 else changed[kind]
    model = frame.iloc[::2].assign(source="model")
    model["timestamp"] += pd.to_timedelta(rng.integers(0, 3, len(model)) * 600, unit="s")
    kept = rng.random(HISTORY_HOURS) > 0.05
    return pd.concat([frame[kept], model.drop_duplicates("timestamp")], ignore_index=True)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000), start=st.integers(100, 300), length=st.integers(1, 60))
def test_rows_beyond_the_reach_change_nothing(seed: int, start: int, length: int) -> None:
    history = faulty_history(seed)
    usual = learn_climatology(history)
    first = history["timestamp"].min() + pd.Timedelta(hours=start)
    last = first + pd.Timedelta(hours=length)
    window = history[history["timestamp"].between(first - RULES.reach, last + RULES.reach)]
    whole, part = (clean_city(rows, RULES, usual) for rows in (history, window))
    pd.testing.assert_frame_equal(
        whole[whole["timestamp"].between(first, last)].reset_index(drop=True),
        part[part["timestamp"].between(first, last)].reset_index(drop=True),
    )


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_neither_the_order_of_rows_nor_doubles_change_anything(seed: int) -> None:
    history = faulty_history(seed)
    doubled = pd.concat([history, history]).sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(clean_city(doubled, RULES), clean_city(history, RULES))


def test_of_two_rows_with_one_source_and_time_the_later_counts() -> None:
    corrected = pd.concat([raw(10.0, 11.0), raw(10.5)])
    assert list(clean(corrected)["temperature_c"]) == [10.5, 11.0]


def test_a_reading_reaches_three_days_at_most() -> None:
    assert timedelta(hours=24) < RULES.reach <= timedelta(hours=72)
