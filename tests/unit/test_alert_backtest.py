"""What rules would have fired on a history, how long, how often told, and at which level."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywx.weather.alerting.backtest import Backtest, restricted, run_backtest
from citywx.weather.alerting.bench import Known
from citywx.weather.alerting.definitions import Definitions, parse_definitions
from citywx.weather.alerting.outcome import MONTH, Outcome, outcome
from citywx.weather.alerting.proposal import at_limit, propose, values
from citywx.weather.alerting.rules import Rule
from citywx.weather.reading import ARCHIVE_SOURCE, Reading

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

WARM = """
    [[rule]]
    id = "warm"
    metric = "temperature_c"
    above = 23
    severity = "info"
    message = "Warm"
"""
LADDER = """
    [[rule]]
    id = "heat"
    metric = "temperature_c"
    message = "Heat"
    [[rule.level]]
    severity = "warning"
    at_least = 35
    clear = 33
    [[rule.level]]
    severity = "severe"
    at_least = 40
    clear = 38
"""
SILENCE = """
    [[rule]]
    id = "silence"
    silent_for = "2h"
    severity = "warning"
    message = "No readings"
"""


def hourly(*temperatures: float | None, city: str = "Oslo", source: str = "csv") -> list[Reading]:
    return [
        Reading(START + number * HOUR, city, value, source=source)
        for number, value in enumerate(temperatures)
    ]


def judged(text: str, readings: Sequence[Reading]) -> Backtest:
    return run_backtest(parse_definitions(text), readings)


def result(text: str, readings: Sequence[Reading], rule_id: str) -> Outcome:
    definitions = parse_definitions(text)
    policy = next(one for one in definitions.policies if one.rule_id == rule_id)
    return outcome(policy, run_backtest(definitions, readings))


def test_each_alert_has_its_times_and_its_peak() -> None:
    (one,) = judged(WARM, hourly(20, 24, 26, 25, 22)).firings
    assert (one.city, one.rule_id, one.severity.value) == ("Oslo", "warm", "info")
    assert (one.started_at, one.fired_at) == (START + HOUR, START + HOUR)
    assert (one.peak, one.peak_at, one.ended_at) == (26, START + 2 * HOUR, START + 4 * HOUR)


def test_an_alert_that_must_hold_fires_later_than_it_starts() -> None:
    (one,) = judged(WARM + 'for = "2h"', hourly(24, 25, 26, 27, 20, 24, 20)).firings
    assert one.fired_at - one.started_at == 2 * HOUR


def test_an_alert_that_is_not_over_has_the_peak_of_all_its_readings() -> None:
    (one,) = judged(WARM, hourly(20, 24, 28, 26)).firings
    assert one.ended_at is None
    assert (one.peak, one.peak_at) == (28, START + 2 * HOUR)


def test_the_worst_severity_and_each_escalation_are_kept() -> None:
    (one,) = judged(LADDER, hourly(34, 36, 41, 37, 41, 30)).firings
    assert one.severity.value == "severe"
    assert one.escalated_at == (START + 2 * HOUR, START + 4 * HOUR)


def test_readings_of_an_archive_count_as_history() -> None:
    assert len(judged(WARM, hourly(20, 24, source=ARCHIVE_SOURCE)).firings) == 1


def test_a_silence_between_readings_is_noticed_when_it_is_due() -> None:
    readings = [Reading(START, "Oslo", 1.0), Reading(START + 30 * HOUR, "Oslo", 1.0)]
    (one,) = judged(SILENCE, readings).firings
    assert one.fired_at == START + 2 * HOUR
    assert one.ended_at == START + 30 * HOUR


def test_readings_in_time_are_no_silence() -> None:
    assert judged(SILENCE.replace("2h", "1h"), hourly(*[1.0] * 50)).firings == ()


def test_one_city_falls_silent_while_others_speak() -> None:
    readings = sorted([*hourly(*[1.0] * 9, city="Lima"), *hourly(1.0, 1.0)])
    (one,) = judged(SILENCE, readings).firings
    assert (one.city, one.ended_at) == ("Oslo", None)


def test_readings_that_still_wait_for_late_ones_are_judged_at_the_end() -> None:
    assert len(judged('allowed_lateness = "3h"' + WARM, hourly(20, 24)).firings) == 1


def test_hours_count_in_the_city_s_own_zone() -> None:
    definitions = parse_definitions(WARM + 'active = "12:00-13:00"')
    readings = hourly(*[30.0] * 24)
    found = run_backtest(definitions, readings, Known(zones=lambda _: ZoneInfo("Asia/Tokyo")))
    assert [one.fired_at.hour for one in found.firings] == [3]


QUALITY = """
    [quality]
    id = "quality"
    severity = "warning"
    message = "A reading that cannot be"
"""


def test_a_reading_that_cannot_be_is_no_weather() -> None:
    readings = hourly(20, 20, 20, 150, 20, 20, 20, 20)
    assert [one.rule_id for one in judged(WARM, readings).firings] == ["warm"]
    assert [one.rule_id for one in judged(WARM + QUALITY, readings).firings] == [
        "quality-temperature"
    ]
    definitions = parse_definitions(WARM + QUALITY)
    found = propose(definitions.rules[0], 1000, readings, quality=definitions.quality)
    assert found is not None
    assert {one.rate for one in found.tried} == {0}


def test_only_the_wanted_rules_and_those_that_inhibit_them_are_kept() -> None:
    text = WARM + 'inhibited_by = ["heat"]' + LADDER + SILENCE
    kept = restricted(parse_definitions(text), iter(["warm"]))
    assert [policy.rule_id for policy in kept.policies] == ["warm", "heat"]


def test_durations_are_from_the_start_to_the_end_or_the_last_reading() -> None:
    found = result(WARM, hourly(24, 20, 24, 24, 24, 20, 24, 24), "warm")
    assert found.durations == (HOUR, 3 * HOUR, HOUR)
    assert (found.median_duration, found.longest_duration) == (HOUR, 3 * HOUR)


def test_the_rate_counts_months_of_every_city_that_is_watched() -> None:
    month = int(MONTH / HOUR)
    readings = sorted(
        [*hourly(24, *[0.0] * month), *hourly(*[0.0] * (month + 1), city="Lima")],
        key=lambda reading: reading.timestamp,
    )
    assert result(WARM, readings, "warm").rate == pytest.approx(0.5, rel=0.01)
    only_oslo = result(WARM + 'cities = ["Os*"]', readings, "warm")
    assert only_oslo.rate == pytest.approx(1.0, rel=0.01)


def test_a_rule_that_never_fired_has_no_durations() -> None:
    found = result(WARM, hourly(20), "warm")
    assert (found.rate, found.median_duration, found.longest_duration) == (0, None, None)


def test_alerts_are_counted_by_city_and_month() -> None:
    readings = [
        *hourly(24, 20),
        Reading(START + timedelta(days=31), "Oslo", 24),
        Reading(START + timedelta(days=31), "Lima", 24),
    ]
    assert result(WARM, readings, "warm").by_month == {
        ("Oslo", "2026-03"): 1,
        ("Oslo", "2026-04"): 1,
        ("Lima", "2026-04"): 1,
    }


@pytest.mark.parametrize(
    ("temperatures", "notices"),
    [
        ((34, 36, 30), 2),  # it fires, it is over
        ((34, 36, 41, 30), 3),  # it is worse
        ((34, 36, 41, 37, 41, 30), 4),
        ((34, 36), 1),  # it still fires
    ],
)
def test_people_are_told_that_it_fires_is_worse_and_is_over(
    temperatures: tuple[float, ...], notices: int
) -> None:
    assert result(LADDER, hourly(*temperatures), "heat").notices == notices


def test_nobody_is_told_of_a_rule_that_notifies_nobody() -> None:
    assert result(WARM + "notify = false", hourly(20, 24, 20), "warm").notices == 0


@pytest.mark.parametrize(
    ("temperatures", "notices"),
    [
        ((20, 36, 20), 0),  # heat fires all the while
        ((20, 36, 30, 30, 20), 2),  # heat is over, and it is still warm
        ((20, 36), 0),
        ((20, 24, 36, 20), 2),  # told before heat fired
    ],
)
def test_an_inhibited_alert_is_told_once_nothing_inhibits_it_any_more(
    temperatures: tuple[float, ...], notices: int
) -> None:
    text = WARM + 'inhibited_by = ["heat"]' + LADDER
    assert result(text, hourly(*temperatures), "warm").notices == notices


@given(
    st.lists(st.one_of(st.none(), st.integers(15, 30).map(float)), max_size=60),
    st.integers(0, 3),
)
def test_firings_are_the_runs_above_the_limit_that_last_long_enough(
    temperatures: list[float | None], hours: int
) -> None:
    known = [(n, value > 23) for n, value in enumerate(temperatures) if value is not None]
    runs = [[n for n, _ in run] for above, run in groupby(known, lambda pair: pair[1]) if above]
    found = judged(WARM + f'for = "{hours}h"', hourly(*temperatures))
    assert [(one.started_at - START) / HOUR for one in found.firings] == [
        run[0] for run in runs if run[-1] - run[0] >= hours
    ]


def only(text: str) -> Rule:
    return parse_definitions(text).rules[0]


def daily_waves(days: int = 60) -> list[Reading]:
    """Every day warmer than the one before by a tenth of a degree."""
    return hourly(
        *(
            20 + day / 10 + 5 * math.sin(math.tau * hour / 24)
            for day in range(days)
            for hour in range(24)
        )
    )


def test_a_level_is_proposed_that_gives_the_wanted_rate() -> None:
    readings = daily_waves()
    rule = only(WARM + "clear = 21")
    found = propose(rule, 10, readings)
    assert found is not None
    assert found.chosen.rate == pytest.approx(10, abs=0.5)
    assert found.chosen.level.limit - found.chosen.level.clear == pytest.approx(2)
    again = run_backtest(Definitions((found.chosen.rule,)), readings)
    assert outcome(rule.policy, again).rate == found.chosen.rate
    assert found.chosen.rule.rule_id == "warm"


def test_a_level_below_which_cold_is_counted_is_sought_from_the_cold_side() -> None:
    cold = WARM.replace("above = 23", "below = 5")
    found = propose(only(cold), 10, daily_waves())
    assert found is not None
    assert found.chosen.rate == pytest.approx(10, abs=0.5)
    limits = [one.level.limit for one in found.tried]
    assert limits == sorted(limits)


def test_a_rate_that_no_level_gives_is_met_as_nearly_as_can_be() -> None:
    found = propose(only(WARM), 500, daily_waves())
    assert found is not None
    assert found.chosen.rate == max(one.rate for one in found.tried)
    assert found.chosen.rate < 40


@given(st.lists(st.integers(-10, 40).map(float), min_size=2, max_size=80), st.floats(0.1, 900))
def test_no_other_level_that_was_tried_comes_closer(
    temperatures: list[float], wanted: float
) -> None:
    found = propose(only(WARM), wanted, hourly(*temperatures))
    assert found is not None
    best = min(abs(one.rate - wanted) for one in found.tried)
    assert abs(found.chosen.rate - wanted) == best


def test_a_change_over_a_window_is_what_the_level_is_sought_for() -> None:
    rule = only("""
        [[rule]]
        id = "fall"
        metric = "temperature_c"
        change_over = "2h"
        at_most = -3
        severity = "info"
        message = "Colder"
    """)
    changes = [round(value, 2) for _, value in values(rule, hourly(10, 9, 7, 4))]
    assert changes == [-3, -5]
    found = propose(rule, 20, daily_waves())
    assert found is not None
    assert -3 < found.chosen.level.limit < 0


def test_there_is_no_level_for_a_rule_without_one_or_a_history_without_values() -> None:
    assert propose(only(SILENCE), 1, daily_waves()) is None
    assert propose(only(WARM), 1, hourly(None, None)) is None
    assert propose(only(WARM + 'cities = ["Lima"]'), 1, daily_waves()) is None


def test_the_whole_ladder_moves_with_its_mildest_level() -> None:
    moved = at_limit(only(LADDER), 30.5)
    assert [(level.limit, level.clear) for level in moved.levels] == [(30.5, 28.5), (35.5, 33.5)]


def test_a_level_without_a_distance_keeps_none() -> None:
    (level,) = at_limit(only(WARM), 0.1 + 0.2).levels
    assert level.limit == level.clear
