"""A change that goes step by step, and one that jumps: `max_step`, and the shipped rule."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.change import Change
from citywx.weather.alerting.definitions import load_definitions, parse_definitions
from citywx.weather.alerting.events import AlertEvent
from citywx.weather.alerting.quality_gate.gate import QualityGate
from citywx.weather.alerting.table_reader import RuleError
from citywx.weather.reading import Reading

START = datetime(2026, 5, 10, tzinfo=UTC)
SHIPPED = Path(__file__).parents[2] / "alerts.toml"
RULE = """
    [[rule]]
    id = "fall"
    metric = "pressure_tendency_3h"
    at_most = -3.6
    clear = -1.6
    severity = "info"
    message = "Pressure falls"
    {more}
"""
STORMS = {
    "bomb cyclone": (0, 1, 1, 2, 3, 4, 5, 6, 6, 5, 3, 1),
    "hurricane": (1, 1, 2, 3, 5, 8, 12, 18, -15, -12, -8, -5),
    "sudden storm": (0, 0, 0, 4, 5, 4, 4, 2),
}
FLIPS = {
    "to another level and back": (0, 0, 0, 8, 0, 0, 0, 0, -8, 0, 0, 0),
    "in two steps": (0, 0, 0, 4, 4, 0, 0, 0, -8, 0, 0, 0),
    "and falling slowly": (0, 1, 0, 9, 0, 1, 0, -9, 0, 1, 0, 0),
    "small": (0, 0, 0, 5, 0, 0, -5, 0, 5, 0, -5, 0),
}


def readings(hourly_falls: tuple[int, ...]) -> list[Reading]:
    pressures = 1012.0 - np.cumsum((0, 0, 0, 0, *hourly_falls))
    return [
        Reading(START + timedelta(hours=hour), "Oslo", pressure=float(pressure))
        for hour, pressure in enumerate(pressures)
    ]


def events(book: AlertBook, hourly_falls: tuple[int, ...]) -> list[AlertEvent]:
    gate = QualityGate()
    return [
        event
        for reading in readings(hourly_falls)
        for event in book.judge(gate.check(reading).reading)
    ]


@pytest.mark.parametrize("storm", STORMS.values(), ids=STORMS)
def test_a_storm_fires_the_shipped_rule_once(storm: tuple[int, ...]) -> None:
    told = events(AlertBook(load_definitions(SHIPPED)), storm)
    mine = [event for event in told if event.rule_id == "pressure-fall"]
    assert [event.event.value for event in mine].count("fired") == 1
    assert "warning" in [event.severity for event in mine]


@pytest.mark.parametrize("flip", FLIPS.values(), ids=FLIPS)
def test_a_feed_that_jumps_between_levels_fires_only_a_rule_without_max_step(
    flip: tuple[int, ...],
) -> None:
    plain = AlertBook(parse_definitions(RULE.format(more="")))
    assert [event for r in readings(flip) for event in plain.judge(r)]
    for more in ("max_step = 3",):
        book = AlertBook(parse_definitions(RULE.format(more=more)))
        assert not [event for r in readings(flip) for event in book.judge(r)]
    assert not events(AlertBook(load_definitions(SHIPPED)), flip)


def test_a_jump_says_nothing_of_an_alert_that_fires() -> None:
    book = AlertBook(parse_definitions(RULE.format(more="max_step = 3")))
    falls = (2, 2, 0, -9, 9, 0, 0, 0)
    told = [event for reading in readings(falls) for event in book.judge(reading)]
    assert [(e.event.value, e.observed_at.hour) for e in told] == [("fired", 5), ("resolved", 11)]


def test_steps_over_more_than_an_hour_may_be_larger() -> None:
    change = Change(3 * 3600)
    for hour, value in ((0, 1012.0), (2, 1008.0), (3, 1008.0)):
        change.add(hour * 3600.0, value)
    assert change.is_even(3.0)
    assert not change.is_even(2.5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (RULE.format(more="max_step = 0"), "max_step must be above 0"),
        (
            RULE.replace("pressure_tendency_3h", "pressure").format(more="max_step = 3"),
            "max_step needs change_over",
        ),
    ],
)
def test_max_step_is_checked(text: str, reason: str) -> None:
    with pytest.raises(RuleError, match=reason):
        parse_definitions(text)
