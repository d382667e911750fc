"""Alerts about readings that cannot be: how they begin, end and are configured."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.policy import Kind
from citywx.weather.alerting.quality_alerts import QualityDetector, read_quality
from citywx.weather.alerting.quality_gate.gate import QualityGate
from citywx.weather.alerting.table_reader import RuleError, TableReader
from citywx.weather.reading import MEASURES, Reading

START = datetime(2026, 5, 10, tzinfo=UTC)
TABLE = {"id": "quality", "severity": "info", "message": "A value cannot be", "notify": False}


def observed(
    gate: QualityGate, detector: QualityDetector, values: Iterable[float | None], first: int = 0
) -> list[list[Finding]]:
    told = []
    for hour, value in enumerate(values, first):
        reading = Reading(START + timedelta(hours=hour), "Oslo", 20.0, value)
        told.append([*detector.observe(gate.check(reading).reading)])
    return told


def levels(told: Iterable[list[Finding]]) -> list[int | None]:
    return [found[0].level if found else None for found in told]


def watching(good_readings: int = 3) -> tuple[QualityGate, QualityDetector]:
    gate = QualityGate()
    return gate, QualityDetector(gate, "humidity", good_readings)


def test_it_begins_with_a_value_that_fails_and_ends_after_enough_good_ones() -> None:
    told = observed(*watching(), [50, 130, 51, 52, 53, 54])
    assert levels(told) == [None, 1, 1, 1, 0, None]


def test_it_says_what_failed_and_why() -> None:
    [finding] = observed(*watching(), [50, 130])[1]
    assert finding.value == 130
    assert finding.details == {
        "measure": "humidity",
        "value": 130,
        "flag": "HUMIDITY_RANGE",
        "sentence": "Humidity below 0 % or above 100 %",
    }


def test_another_failure_and_a_missing_value_prolong_it() -> None:
    told = observed(*watching(2), [130, 50, 131, None, None, 50, 51])
    assert levels(told) == [1, 1, 1, 1, 1, 1, 0]


def test_a_doubtful_value_is_no_alert() -> None:
    assert levels(observed(*watching(), [50, 50, 98, 99])) == [None] * 4


def test_the_rule_sees_no_failed_value() -> None:
    gate, detector = watching()
    checked = gate.check(Reading(START, "Oslo", 20.0, 130.0))
    assert checked.reading.humidity is None
    assert detector.observe(checked.reading)[0].city == "Oslo"


def test_its_state_survives_a_restart() -> None:
    gate, detector = watching()
    observed(gate, detector, [130, 50])
    again = QualityDetector(gate, "humidity", 3)
    again.restore(json.loads(json.dumps(detector.dump())))
    assert levels(observed(gate, again, [50, 51, 52], first=2)) == [1, 0, None]


@pytest.mark.parametrize("state", [None, {}, [["Oslo"]], [["Oslo", "1"]], [[1, 1]]], ids=repr)
def test_a_state_that_is_none_is_refused(state: object) -> None:
    with pytest.raises(ValueError, match="state of quality alerts"):
        watching()[1].restore(state)


def test_the_table_makes_one_definition_a_measure() -> None:
    gate = QualityGate()
    quality = read_quality(TableReader({**TABLE, "good_readings": 1}, "quality"))
    watched = quality.watched(gate)
    assert [one.policy.rule_id for one in watched] == [
        *("quality-temperature", "quality-humidity", "quality-pressure", "quality-wind")
    ]
    assert [one.subject.metric for one in watched] == [*MEASURES]
    assert {one.policy.kind for one in watched} == {Kind.QUALITY}
    reading = gate.check(Reading(START, "Oslo", 20.0, 50.0, 20.0)).reading
    found = {one.subject.metric: one.detector(Feed()).observe(reading) for one in watched}
    assert [name for name, findings in found.items() if findings] == ["pressure"]


@pytest.mark.parametrize(("key", "value"), [("good_readings", 0), ("above", 3)])
def test_the_table_is_checked(key: str, value: object) -> None:
    with pytest.raises(RuleError, match=key):
        read_quality(TableReader({**TABLE, key: value}, "quality"))
