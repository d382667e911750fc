from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from citywx.weather.quality.flags import (
    BIT,
    DOUBTS,
    SEVERITIES,
    UNKNOWN,
    QcFlag,
    Severity,
    Verdict,
    flag_names,
    mask_of,
    measure_mask,
    measure_names,
)
from citywx.weather.quality.masks import doubtful, verdicts
from citywx.weather.quality.suite import TESTS, in_context, run_tests
from citywx.weather.reading import MEASURES
from tests.support.faulty_weather import (
    AT,
    FAULTS,
    HOURS,
    all_repeated,
    ordinary,
    true,
    with_values,
)


@pytest.mark.parametrize("flag", TESTS, ids=lambda flag: flag.name)
def test_each_flag_is_raised_by_its_fault_and_by_no_ordinary_reading(flag: QcFlag) -> None:
    assert TESTS[flag](FAULTS[flag])[AT]
    assert not TESTS[flag](ordinary()).any()


def test_every_flag_has_a_test_except_the_one_that_cleaning_raises() -> None:
    assert list(TESTS) == [flag for flag in QcFlag if flag is not QcFlag.IMPUTED]


@pytest.mark.parametrize("per_hour", [60, 6, 1])
def test_ordinary_weather_raises_no_flag_at_any_cadence(per_hour: int) -> None:
    assert not run_tests(ordinary(per_hour)).any()


def test_ordinary_weather_raises_no_flag_every_three_hours() -> None:
    seen = ordinary()
    thinned = replace(
        seen,
        hours=seen.hours[::3],
        months=seen.months[::3],
        measures={name: values[::3] for name, values in seen.measures.items()},
        rain=seen.rain[::3],
        delay_hours=seen.delay_hours[::3],
        others={name: values[::3] for name, values in seen.others.items()},
        nearby_c=seen.nearby_c[::3],
    )
    assert not run_tests(thinned).any()


def test_tests_leave_the_readings_as_they_were() -> None:
    seen = with_values("temperature_c", 1, 61.0)
    before = {name: values.copy() for name, values in seen.measures.items()}
    run_tests(seen)
    for name in MEASURES:
        np.testing.assert_array_equal(seen.measures[name], before[name])


def test_a_step_that_stays_is_believed_after_an_hour() -> None:
    step = TESTS[QcFlag.TEMPERATURE_STEP]
    assert list(np.flatnonzero(step(FAULTS[QcFlag.TEMPERATURE_STEP]))) == [AT, AT + 48]
    quick = ordinary(per_hour=6)
    temperature = quick.measures["temperature_c"].copy()
    temperature[AT:] += 10
    flagged = step(replace(quick, measures={**quick.measures, "temperature_c": temperature}))
    assert list(np.flatnonzero(flagged)) == list(range(AT, AT + 6))


def test_the_return_from_a_spike_is_no_step() -> None:
    flags = run_tests(with_values("temperature_c", 1, true("temperature_c") + 15))
    assert list(np.flatnonzero(doubtful(flags, "temperature_c"))) == [AT]


def test_a_run_in_fahrenheit_ends_where_the_values_jump_back() -> None:
    flagged = TESTS[QcFlag.TEMPERATURE_FAHRENHEIT](FAULTS[QcFlag.TEMPERATURE_FAHRENHEIT])
    assert list(np.flatnonzero(flagged)) == list(range(AT, AT + 20))


def test_a_run_without_minus_ends_where_the_values_jump_back() -> None:
    flagged = TESTS[QcFlag.TEMPERATURE_SIGN](FAULTS[QcFlag.TEMPERATURE_SIGN])
    assert list(np.flatnonzero(flagged)) == list(range(AT, AT + 20))


def test_pressure_of_another_level_is_flagged_and_neither_its_return_nor_a_deep_low() -> None:
    seen = FAULTS[QcFlag.PRESSURE_LEVEL]
    assert list(np.flatnonzero(TESTS[QcFlag.PRESSURE_LEVEL](seen))) == list(range(AT, AT + 5))
    assert not TESTS[QcFlag.PRESSURE_STEP](seen).any()
    fall = np.concatenate([np.zeros(AT), np.arange(HOURS - AT) * 2.5]).clip(max=50)
    low = replace(ordinary(), measures={**ordinary().measures, "pressure": 1012 - fall})
    assert not TESTS[QcFlag.PRESSURE_LEVEL](low).any()


def test_one_reading_less_than_the_longest_run_is_not_stuck() -> None:
    assert not TESTS[QcFlag.TEMPERATURE_STUCK](with_values("temperature_c", 8, 8.13))[:AT].any()
    assert not TESTS[QcFlag.ALL_STUCK](all_repeated(5)).any()


def test_whole_degrees_may_repeat_for_longer() -> None:
    seen = ordinary()
    whole = replace(
        seen,
        measures={**seen.measures, "temperature_c": np.round(seen.measures["temperature_c"])},
    )
    assert not TESTS[QcFlag.TEMPERATURE_STUCK](with_values("temperature_c", 10, 8.0, whole)).any()
    assert TESTS[QcFlag.TEMPERATURE_STUCK](with_values("temperature_c", 13, 8.0, whole)).any()


def test_a_run_does_not_last_through_an_outage() -> None:
    seen = with_values("temperature_c", 10, 8.13)
    gap = seen.measures["temperature_c"].copy()
    gap[AT + 3 : AT + 7] = np.nan
    outage = replace(seen, measures={**seen.measures, "temperature_c": gap})
    assert not TESTS[QcFlag.TEMPERATURE_STUCK](outage).any()


def test_fog_and_calms_are_not_stuck_sensors() -> None:
    seen = ordinary()
    mild = replace(
        seen,
        measures={**seen.measures, "temperature_c": seen.measures["temperature_c"] / 3},
    )
    assert not TESTS[QcFlag.HUMIDITY_STUCK](with_values("humidity", 60, 99.0, mild)).any()
    assert not TESTS[QcFlag.WIND_STUCK](with_values("wind_speed", 60, 0.0)).any()


def test_fog_does_not_survive_a_warm_day() -> None:
    seen = ordinary()
    warm = replace(
        seen,
        measures={**seen.measures, "temperature_c": seen.measures["temperature_c"] * 1.5},
    )
    stuck = TESTS[QcFlag.HUMIDITY_STUCK](with_values("humidity", 60, 99.0, warm))
    assert list(np.flatnonzero(stuck)) == list(range(AT, AT + 60))


def test_humidity_that_stays_while_the_air_warms_is_soon_stuck() -> None:
    stuck = TESTS[QcFlag.HUMIDITY_STUCK]
    assert stuck(with_values("humidity", 11, 60.0))[AT]
    steady = with_values("temperature_c", 11, np.linspace(9, 10, 11))
    assert not stuck(with_values("humidity", 11, 60.0, steady)).any()


def test_history_that_is_filled_in_is_not_late() -> None:
    seen = replace(ordinary(), delay_hours=np.full(HOURS, 24.0 * 365))
    assert not (run_tests(seen) & BIT[QcFlag.LATE]).any()


def test_a_verdict_comes_at_most_one_reading_late() -> None:
    seen = FAULTS[QcFlag.TEMPERATURE_FAHRENHEIT]
    prompt = ~mask_of(
        [name for name in QcFlag.__members__ if "STUCK" in name or "PRESSURE" in name]
    )
    for stop in range(AT - 2, AT + 24):
        cut = replace(
            seen,
            hours=seen.hours[:stop],
            months=seen.months[:stop],
            measures={name: values[:stop] for name, values in seen.measures.items()},
            rain=seen.rain[:stop],
            delay_hours=seen.delay_hours[:stop],
            others={name: values[:stop] for name, values in seen.others.items()},
            nearby_c=np.full(stop, np.nan),
        )
        alone = replace(seen, nearby_c=np.full(HOURS, np.nan))
        np.testing.assert_array_equal(
            run_tests(cut)[: stop - 1] & prompt, run_tests(alone)[: stop - 1] & prompt
        )


def test_masks_hold_names_and_tell_unknown_ones_apart() -> None:
    names = ("HUMIDITY_STEP", "IMPUTED")
    assert flag_names(mask_of(names)) == names
    assert mask_of(["IMPUTED", "NO_SUCH_FLAG"]) == BIT[QcFlag.IMPUTED] | UNKNOWN
    assert measure_names(measure_mask(["pressure", "humidity"])) == ("humidity", "pressure")
    assert measure_mask(["weather"]) == UNKNOWN
    assert all(one < other for one, other in pairwise(BIT.values()))


def test_only_what_a_flag_is_about_is_doubtful() -> None:
    flags = np.array([BIT[QcFlag.HUMIDITY_STEP], BIT[QcFlag.ALL_STUCK], BIT[QcFlag.LATE]])
    assert list(doubtful(flags, "humidity")) == [True, True, False]
    assert list(doubtful(flags, "pressure")) == [False, True, False]


def test_a_flag_that_doubts_a_measure_is_no_note_and_the_other_way_round() -> None:
    for flag in QcFlag:
        assert bool(DOUBTS[flag]) == (SEVERITIES[flag] is not Severity.NOTE)


def test_the_verdict_is_the_worst_that_is_known() -> None:
    flags = np.array(
        [0, 0, BIT[QcFlag.LATE], BIT[QcFlag.WIND_STUCK], mask_of(["WIND_STUCK", "WIND_RANGE"]), 0]
    )
    got = verdicts(
        flags,
        reported=np.array([True] * 5 + [False]),
        in_context=np.array([True, False, True, False, True, True]),
    )
    assert [Verdict(code) for code in got] == [
        Verdict.PASS,
        Verdict.NOT_EVALUATED,
        Verdict.PASS,
        Verdict.SUSPECT,
        Verdict.FAIL,
        Verdict.MISSING,
    ]


def test_a_reading_without_another_within_three_hours_lacks_context() -> None:
    seen = replace(ordinary(), hours=np.array([0.0, 3.0, 6.5]))
    assert list(in_context(seen)) == [True, True, False]
