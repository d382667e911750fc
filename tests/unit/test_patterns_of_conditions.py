"""`sequence`, `all_of` and `count`: several conditions of one city, or one several times."""

import pytest

from tests.support.patterns import at, detector, found, levels

SEQUENCE = """
kind = "sequence"
within = "2h"
first = { metric = "temperature_c", above = 30 }
then = { metric = "wind_speed", at_least = 15 }
unless = { metric = "humidity", above = 90 }
"""
FRONT = """
kind = "all_of"
within = "1h"
conditions = [
  { metric = "temperature_c", fall = 4 },
  { metric = "pressure", rise = 1.5 },
]
"""
GUSTS = """
kind = "count"
condition = { metric = "wind_speed", at_least = 15 }
times = 3
within = "30m"
"""
HOT, WIND = {"temperature_c": 31.0, "wind_speed": 3.0}, {"temperature_c": 25.0, "wind_speed": 16.0}
CALM = {"temperature_c": 25.0, "wind_speed": 3.0}


def test_a_sequence_is_found_from_its_second_condition_until_that_ends() -> None:
    readings = [at(0, **HOT), at(60, **CALM), at(90, **WIND), at(100, **WIND), at(110, **CALM)]
    assert levels(detector(SEQUENCE), readings) == [(90, 1), (100, 1), (110, 0)]


def test_a_sequence_says_when_the_first_condition_last_held_and_the_value_of_the_second() -> None:
    finding = found(detector(SEQUENCE), [at(0, **HOT), at(10, **HOT), at(60, **WIND)])[0]
    assert (finding.value, finding.limit) == (16, 15)
    assert finding.details == {"first_at": "2026-03-01T12:10:00Z"}


def test_a_second_condition_that_comes_too_late_completes_nothing() -> None:
    assert levels(detector(SEQUENCE), [at(0, **HOT), at(121, **WIND)]) == []
    assert levels(detector(SEQUENCE), [at(0, **HOT), at(120, **WIND)]) == [(120, 1)]


def test_the_order_matters() -> None:
    assert levels(detector(SEQUENCE), [at(0, **WIND), at(10, **HOT), at(20, **CALM)]) == []


def test_a_second_condition_that_held_all_along_does_not_follow() -> None:
    storm = {"temperature_c": 31.0, "wind_speed": 20.0}
    assert levels(detector(SEQUENCE), [at(0, **storm), at(10, **storm), at(20, **WIND)]) == []


def test_what_may_not_come_in_between_ends_the_wait() -> None:
    rain = at(30, humidity=95, **CALM)
    assert levels(detector(SEQUENCE), [at(0, **HOT), rain, at(60, **WIND)]) == []
    hot_again = [at(0, **HOT), rain, at(40, **HOT), at(60, **WIND)]
    assert levels(detector(SEQUENCE), hot_again) == [(60, 1)]


def test_one_first_condition_is_answered_once() -> None:
    readings = [at(0, **HOT), at(10, **WIND), at(20, **CALM), at(30, **WIND)]
    assert levels(detector(SEQUENCE), readings) == [(10, 1), (20, 0)]


def test_values_that_are_missing_neither_complete_nor_end_a_sequence() -> None:
    readings = [at(0, **HOT), at(10), at(20, **WIND), at(30, temperature_c=20), at(40, **CALM)]
    assert levels(detector(SEQUENCE), readings) == [(20, 1), (30, 1), (40, 0)]


def test_all_conditions_within_the_window_are_found_until_one_is_older() -> None:
    readings = [
        at(0, temperature_c=20, pressure=1000),
        at(30, temperature_c=15, pressure=1000),
        at(60, temperature_c=15, pressure=1002),
        at(90, temperature_c=15, pressure=1002),
        at(120, temperature_c=15, pressure=1002),
        at(150, temperature_c=15, pressure=1002),
    ]
    assert levels(detector(FRONT), readings) == [(60, 1), (90, 1), (120, 1), (150, 0)]


def test_all_of_says_what_held_when_and_with_which_value() -> None:
    readings = [
        at(0, temperature_c=20, pressure=1000),
        at(30, temperature_c=15, pressure=1000),
        at(40, temperature_c=17, pressure=1002),
    ]
    assert found(detector(FRONT), readings)[0].details == {
        "conditions": [
            {
                "condition": "temperature_c falls by 4 within 1h",
                "value": 5.0,
                "at": "2026-03-01T12:30:00Z",
            },
            {
                "condition": "pressure rises by 1.5 within 1h",
                "value": 2.0,
                "at": "2026-03-01T12:40:00Z",
            },
        ]
    }


def test_one_condition_alone_or_both_too_far_apart_are_not_all() -> None:
    falls = [at(0, temperature_c=20, pressure=1000), at(30, temperature_c=15, pressure=1000)]
    late = [at(91 + 30, temperature_c=15, pressure=1000), at(130, temperature_c=15, pressure=1002)]
    assert levels(detector(FRONT), [*falls, *late]) == []


def test_all_of_takes_its_metrics_from_different_readings() -> None:
    readings = [
        at(0, temperature_c=20),
        at(5, pressure=1000),
        at(30, temperature_c=15),
        at(35, pressure=1002),
    ]
    assert levels(detector(FRONT), readings) == [(35, 1)]


def gusts(*speeds: float | None, step: float = 5) -> list[object]:
    return [at(step * n, wind_speed=speed) for n, speed in enumerate(speeds)]


def test_three_gusts_in_half_an_hour_are_found_until_one_is_older() -> None:
    speeds = [16, 5, 18, 5, 17, 5, 5, 5]
    assert levels(detector(GUSTS), gusts(*speeds)) == [(20, 1), (25, 1), (30, 1), (35, 0)]


def test_one_long_gust_is_one() -> None:
    assert levels(detector(GUSTS), gusts(16, 17, None, 18, 16, 20, 15)) == []


def test_gusts_that_are_too_far_apart_do_not_add_up() -> None:
    assert levels(detector(GUSTS), gusts(16, 5, 16, 5, 16, step=10)) == []


def test_a_count_names_its_moments_and_clears_where_it_is_told_to() -> None:
    counting = detector(GUSTS + "clear = 1")
    findings = found(counting, gusts(16, 5, 18, 5, 17, *[5] * 8))
    assert findings[0].value == 3
    assert findings[0].details["began_at"] == [
        "2026-03-01T12:00:00Z",
        "2026-03-01T12:10:00Z",
        "2026-03-01T12:20:00Z",
    ]
    assert [one.value for one in findings if not one.level] == [1]


def test_a_condition_with_a_clear_level_does_not_waver() -> None:
    wavering = gusts(16, 14, 16, 14, 16)
    assert levels(detector(GUSTS), wavering) == [(20, 1)]
    steady = GUSTS.replace("at_least = 15", "at_least = 15, clear = 12")
    assert levels(detector(steady), wavering) == []


@pytest.mark.parametrize(
    ("condition", "begins", "stays", "ends"),
    [
        ("above = 10", 10.1, 10.1, 10),
        ("at_least = 10", 10, 10, 9.9),
        ("below = 10", 9.9, 9.9, 10),
        ("at_most = 10", 10, 10, 10.1),
        ("above = 10, clear = 8", 10.1, 8.1, 8),
        ("at_least = 10, clear = 8", 10, 8.1, 8),
        ("below = 10, clear = 12", 9.9, 11.9, 12),
        ("at_most = 10, clear = 12", 10, 11.9, 12),
    ],
)
def test_each_comparison_begins_at_its_limit_and_ends_at_its_clear_level(
    condition: str, begins: float, stays: float, ends: float
) -> None:
    toml = f"""
kind = "sequence"
within = "1h"
first = {{ metric = "humidity", above = 50 }}
then = {{ metric = "temperature_c", {condition} }}
"""
    readings = [
        at(0, humidity=60, temperature_c=ends),
        at(10, temperature_c=begins),
        at(20, temperature_c=stays),
        at(30, temperature_c=ends),
    ]
    assert levels(detector(toml), readings) == [(10, 1), (20, 1), (30, 0)]


def test_a_condition_may_be_another_pattern_wherever_that_stands() -> None:
    toml = f"""
[[pattern]]
id = "front-in-heat"
kind = "sequence"
within = "3h"
first = {{ metric = "temperature_c", above = 30 }}
then = {{ pattern = "front" }}
[[pattern]]
id = "front"
{FRONT}
[[pattern]]
id = "it"
kind = "all_of"
within = "1h"
conditions = [{{ pattern = "front-in-heat" }}, {{ metric = "wind_speed", above = 8 }}]
"""
    readings = [
        at(0, temperature_c=32, pressure=1000, wind_speed=3),
        at(60, temperature_c=27, pressure=1002, wind_speed=3),
        at(70, temperature_c=27, pressure=1002, wind_speed=9),
    ]
    findings = found(detector(toml), readings)
    assert [one.level for one in findings] == [1]
    conditions = findings[0].details["conditions"]
    assert isinstance(conditions, list)
    assert conditions[0]["condition"] == "pattern front-in-heat"
