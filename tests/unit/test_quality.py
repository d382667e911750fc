import numpy as np
import pandas as pd
import pytest

from citywx.weather.quality import TESTS, Limits, QcFlag, QcTest, doubtful, run_tests

HOURS = 48


def ordinary() -> pd.DataFrame:
    hours = np.arange(HOURS)
    return pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-03-01", periods=HOURS, freq="h", tz="UTC", unit="us"),
            "temperature_c": 10 + 5 * np.sin(hours / 4),
            "humidity": 60 + 10 * np.cos(hours / 4),
            "pressure": 1010 + hours * 0.2,
            "wind_speed": 3 + np.sin(hours),
            "other_temperature_c": 10 + 5 * np.sin(hours / 4) + 0.5,
        }
    )


def with_values(column: str, start: int, stop: int, value: float) -> pd.DataFrame:
    frame = ordinary()
    frame.loc[start:stop, column] = value
    return frame


FAULTS = {
    QcFlag.TEMPERATURE_RANGE: with_values("temperature_c", 20, 20, 61.0),
    QcFlag.HUMIDITY_RANGE: with_values("humidity", 20, 20, 100.1),
    QcFlag.PRESSURE_RANGE: with_values("pressure", 20, 20, 849.0),
    QcFlag.WIND_RANGE: with_values("wind_speed", 20, 20, -0.1),
    QcFlag.TEMPERATURE_STEP: with_values("temperature_c", 20, 20, 30.0),
    QcFlag.HUMIDITY_STEP: with_values("humidity", 20, 20, 5.0),
    QcFlag.PRESSURE_STEP: with_values("pressure", 20, 20, 990.0),
    QcFlag.TEMPERATURE_STUCK: with_values("temperature_c", 16, 23, 8.0),
    QcFlag.HUMIDITY_STUCK: with_values("humidity", 12, 24, 60.0),
    QcFlag.PRESSURE_STUCK: with_values("pressure", 12, 24, 1012.0),
    QcFlag.WIND_STUCK: with_values("wind_speed", 10, 34, 1.0),
    QcFlag.SOURCES_DISAGREE: with_values("other_temperature_c", 20, 20, 30.0),
}


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.flag.name)
def test_each_flag_is_raised_by_its_fault_and_by_no_ordinary_reading(test: QcTest) -> None:
    assert test.raised(FAULTS[test.flag], Limits())[20]
    assert not test.raised(ordinary(), Limits()).any()


def test_every_flag_has_a_test_except_the_one_that_cleaning_raises() -> None:
    assert [test.flag for test in TESTS] == [flag for flag in QcFlag if flag is not QcFlag.IMPUTED]


def test_tests_leave_the_frame_as_it_was() -> None:
    frame = with_values("temperature_c", 16, 23, 8.0)
    before = frame.copy(deep=True)
    run_tests(frame, Limits())
    pd.testing.assert_frame_equal(frame, before)


def test_a_run_counts_from_its_start_and_missing_values_do_not_end_it() -> None:
    frame = with_values("temperature_c", 16, 23, 8.0)
    frame.loc[18, "temperature_c"] = np.nan
    stuck = run_tests(frame, Limits())["TEMPERATURE_STUCK"]
    assert list(stuck[stuck].index) == [16, 17, 19, 20, 21, 22, 23]


def test_a_run_one_reading_short_is_no_stuck_sensor() -> None:
    frame = with_values("temperature_c", 17, 23, 8.0)
    assert not run_tests(frame, Limits())["TEMPERATURE_STUCK"].any()


def test_humidity_may_stand_still_in_fog_and_wind_in_a_calm() -> None:
    raised = run_tests(with_values("humidity", 0, 47, 99.0), Limits())
    assert not raised["HUMIDITY_STUCK"].any()
    raised = run_tests(with_values("wind_speed", 0, 47, 0.0), Limits())
    assert not raised["WIND_STUCK"].any()


def test_a_jump_over_a_long_silence_is_no_step() -> None:
    frame = with_values("temperature_c", 20, 47, 35.0)
    frame = frame.drop(index=range(17, 20)).reset_index(drop=True)
    assert not run_tests(frame, Limits())["TEMPERATURE_STEP"].any()


def test_a_step_within_minutes_is_smaller_than_one_within_an_hour() -> None:
    frame = ordinary()
    frame["timestamp"] = pd.date_range("2026-03-01", periods=HOURS, freq="10min", tz="UTC")
    frame["temperature_c"] = 10.0
    frame.loc[20:, "temperature_c"] = 14.5
    frame.loc[30:, "temperature_c"] = 18.5
    assert list(np.flatnonzero(run_tests(frame, Limits())["TEMPERATURE_STEP"])) == [20]


def test_a_flag_doubts_its_own_measure_only() -> None:
    raised = run_tests(FAULTS[QcFlag.HUMIDITY_RANGE], Limits())
    assert doubtful(raised, "humidity")[20]
    assert not doubtful(raised, "temperature_c").any()
