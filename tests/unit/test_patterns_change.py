"""`rise` and `fall` within a window."""

import pytest

from citywx.weather.alerting.patterns.feed import Feed
from tests.support.patterns import at, detector, found, levels, patterns, temperatures

FALL = 'kind = "fall"\nmetric = "temperature_c"\nby = 4\nwithin = "1h"'
RISE = 'kind = "rise"\nmetric = "pressure"\nby = 2\nwithin = "1h"\nclear = 1.5'


def test_a_fall_is_found_when_it_reaches_the_amount_and_until_it_is_half_of_it() -> None:
    values = [20, 18, 16, 15, 15, 15, 14.9, 14.5, 14.2]
    assert levels(detector(FALL), temperatures(values)) == [
        (20, 1),
        (30, 1),
        (40, 1),
        (50, 1),
        (60, 1),
        (70, 1),
        (80, 0),
    ]


def test_a_fall_says_from_what_it_fell_and_when() -> None:
    finding = found(detector(FALL), temperatures([19, 20.3, 18, 16.3]))[0]
    assert (finding.city, finding.value, finding.limit) == ("Oslo", 4.0, 4.0)
    assert finding.details == {"from": 20.3, "from_at": "2026-03-01T12:10:00Z", "to": 16.3}


def test_a_rise_clears_at_the_given_level() -> None:
    readings = [at(10 * n, pressure=p) for n, p in enumerate([1000, 1002, 1001.6, 1001.5, 1002])]
    assert levels(detector(RISE), readings) == [(10, 1), (20, 1), (30, 0), (40, 1)]


def test_a_decimal_difference_that_is_the_amount_counts() -> None:
    assert 16.4 - 12.4 < 4
    assert levels(detector(FALL), temperatures([16.4, 12.4])) == [(10, 1)]


def test_a_value_at_the_far_end_of_the_window_counts_and_an_older_one_does_not() -> None:
    assert levels(detector(FALL), temperatures([20, 15], step=60)) == [(60, 1)]
    assert levels(detector(FALL), temperatures([20, 15], step=60.1)) == []


def test_a_stray_reading_after_a_gap_is_no_fall() -> None:
    readings = [*temperatures([20, 20, 20]), at(300, temperature_c=5), at(310, temperature_c=5)]
    assert levels(detector(FALL), readings) == []


def test_after_a_gap_a_fall_is_over() -> None:
    readings = [*temperatures([20, 15]), at(300, temperature_c=14)]
    assert levels(detector(FALL), readings) == [(10, 1), (300, 0)]


def test_a_missing_value_changes_nothing() -> None:
    readings = temperatures([20, None, 15, None, 15.5, None, 18.5, None])
    assert levels(detector(FALL), readings) == [(20, 1), (30, 1), (40, 1), (50, 1), (60, 0)]


@pytest.mark.parametrize("step", [1, 10, 29, 59])
def test_any_cadence_sees_a_fall_within_the_hour(step: float) -> None:
    values = [20 - 6 * n * step / 60 for n in range(round(120 / step) + 1)]
    assert levels(detector(FALL), temperatures(values, step))


def test_cities_are_apart() -> None:
    readings = [at(0, "Oslo", temperature_c=20), at(10, "Cairo", temperature_c=10)]
    assert levels(detector(FALL), readings) == []


def test_two_patterns_on_one_window_find_what_each_finds_alone() -> None:
    toml = f'[[pattern]]\nid = "a"\n{FALL}\n[[pattern]]\nid = "b"\n{FALL.replace("4", "2")}'
    feed = Feed()
    small, large = (pattern.detector(feed) for pattern in reversed(patterns(toml)))
    told = [
        (bool(small.observe(one)), bool(large.observe(one))) for one in temperatures([20, 18, 16])
    ]
    assert told == [(False, False), (True, False), (True, True)]


def test_derived_metrics_fall_too() -> None:
    readings = [at(0, temperature_c=20, humidity=90), at(30, temperature_c=20, humidity=40)]
    assert levels(detector(FALL.replace("temperature_c", "dew_point")), readings) == [(30, 1)]
