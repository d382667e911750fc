"""`stuck` and `diverge`: sensors that no longer follow the weather."""

from citywx.weather.reading import Reading
from tests.support.patterns import at, detector, found, levels, temperatures

STUCK = 'kind = "stuck"\nmetric = "temperature_c"\nunchanged_for = "2h"\nreadings = 4'
FOG = """
kind = "stuck"
metric = "humidity"
unchanged_for = "2h"
readings = 3
unless = { metric = "humidity", at_least = 98 }
"""
DIVERGE = """
kind = "diverge"
metric = "temperature_c"
by = 4
against = "humidity"
response = 5
within = "3h"
"""


def test_a_value_that_stays_is_found_after_the_time_and_until_it_changes() -> None:
    readings = temperatures([5, 7, 7, 7, 7, 7, 8], step=30)
    assert levels(detector(STUCK), readings) == [(150, 1), (180, 0)]


def test_a_stuck_sensor_is_told_with_its_value_and_since_when() -> None:
    finding = found(detector(STUCK), temperatures([5, 7, 7, 7, 7, 7], step=30))[0]
    assert (finding.value, finding.limit) == (7, None)
    assert finding.details == {"unchanged_since": "2026-03-01T12:30:00Z", "readings": 5}


def test_few_readings_over_a_long_time_are_not_stuck() -> None:
    assert levels(detector(STUCK), temperatures([7, 7, 7], step=90)) == []


def test_many_readings_over_a_short_time_are_not_stuck() -> None:
    assert levels(detector(STUCK), temperatures([7] * 110, step=1)) == []


def test_a_gap_ends_a_run() -> None:
    before = temperatures([7, 7, 7, 7], step=30)
    after = [at(90 + 181 + 30 * n, temperature_c=7) for n in range(4)]
    assert levels(detector(STUCK), [*before, *after]) == []
    assert levels(detector(STUCK + '\nlongest_gap = "4h"'), [*before, *after])


def test_missing_values_neither_end_nor_lengthen_a_run() -> None:
    assert levels(detector(STUCK), temperatures([7, None, 7, None, 7], step=30)) == []
    assert levels(detector(STUCK), temperatures([7, 7, None, 7, 7], step=30)) == [(120, 1)]


def test_a_stuck_sensor_that_reports_nothing_is_still_stuck() -> None:
    readings = temperatures([7, 7, 7, 7, 7, None], step=30)
    assert levels(detector(STUCK), readings) == [(120, 1), (150, 1)]


def test_within_its_tolerance_a_value_is_the_same_and_a_drift_is_not() -> None:
    tolerant = STUCK + "\ntolerance = 0.2"
    assert levels(detector(tolerant), temperatures([7, 7.2, 7.1, 7.2, 7], step=30)) == [(120, 1)]
    assert levels(detector(tolerant), temperatures([7, 7.1, 7.2, 7.3, 7.4], step=30)) == []


def test_an_exempt_value_may_stay() -> None:
    fog = [at(60 * n, humidity=99) for n in range(9)]
    assert levels(detector(FOG), fog) == []
    dry = [at(60 * n, humidity=60) for n in range(3)]
    assert levels(detector(FOG), dry) == [(120, 1)]


def pairs(*values: tuple[float | None, float | None], step: float = 60) -> list[Reading]:
    return [at(step * n, temperature_c=t, humidity=h) for n, (t, h) in enumerate(values)]


def test_humidity_that_does_not_fall_as_the_air_warms_is_found() -> None:
    stuck = pairs((10, 80), (12, 80), (15, 80), (15, 70))
    assert levels(detector(DIVERGE), stuck) == [(120, 1), (180, 0)]
    assert levels(detector(DIVERGE), pairs((10, 80), (12, 70), (15, 60))) == []


def test_humidity_that_does_not_rise_as_the_air_cools_is_found() -> None:
    assert levels(detector(DIVERGE), pairs((20, 50), (15, 52))) == [(60, 1)]
    assert levels(detector(DIVERGE), pairs((20, 50), (15, 60))) == []


def test_metrics_that_should_move_with_each_other() -> None:
    together = DIVERGE.replace("against", "with").replace("humidity", "dew_point")
    warmer_and_drier = pairs((10, 80), (15, 30))
    assert levels(detector(together), warmer_and_drier) == [(60, 1)]
    assert levels(detector(together), pairs((10, 80), (16, 80))) == []


def test_a_response_below_zero_lets_the_other_move_the_wrong_way_a_little() -> None:
    lenient = DIVERGE.replace("response = 5", "response = -10")
    assert levels(detector(lenient), pairs((10, 80), (15, 89))) == []
    assert levels(detector(lenient), pairs((10, 80), (15, 91))) == [(60, 1)]


def test_a_divergence_says_what_moved_and_what_was_expected() -> None:
    finding = found(detector(DIVERGE), pairs((20, 50), (15, 52)))[0]
    assert (finding.value, finding.limit) == (5, 4)
    assert finding.details == {
        "moved": "down",
        "since": "2026-03-01T12:00:00Z",
        "other": "humidity",
        "expected": "against temperature_c",
        "response": 2.0,
        "response_limit": 5.0,
    }


def test_without_the_other_value_nothing_is_said() -> None:
    assert levels(detector(DIVERGE), pairs((10, 80), (15, None))) == []
    assert levels(detector(DIVERGE), pairs((10, None), (15, 80))) == []
    told = levels(detector(DIVERGE), pairs((10, 80), (15, 80), (16, None), (15, 60)))
    assert told == [(60, 1), (120, 1), (180, 0)]


def test_a_divergence_lasts_while_its_beginning_is_not_known_any_more() -> None:
    readings = [
        at(0, temperature_c=10, humidity=80),
        at(30, temperature_c=9),
        at(60, temperature_c=16, humidity=80),
    ]
    assert levels(detector(DIVERGE), readings) == []
    unknown = [at(90, temperature_c=5), at(120, temperature_c=15, humidity=80)]
    holding = [*pairs((10, 80), (15, 80)), *unknown]
    assert levels(detector(DIVERGE), holding) == [(60, 1), (90, 1), (120, 1)]


def test_between_the_amount_and_half_of_it_a_divergence_goes_on() -> None:
    told = levels(detector(DIVERGE), pairs((10, 80), (14, 80), (13, 80), (12, 80), step=30))
    assert told == [(30, 1), (60, 1), (90, 0)]


def test_across_a_gap_nothing_diverges() -> None:
    assert levels(detector(DIVERGE), pairs((10, 80), (15, 80), step=181)) == []


def test_where_no_answer_is_expected_none_is_missed() -> None:
    exempt = DIVERGE + "unless = { metric = 'humidity', at_least = 95 }"
    assert levels(detector(exempt), pairs((20, 96), (15, 97))) == []
