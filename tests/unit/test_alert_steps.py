"""When a rule fires and when it resolves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citywx.staging.lines import read_record
from citywx.staging.tail import Tail
from citywx.weather.alerting.rules import load_rules, parse_rules
from citywx.weather.alerting.steps import AlertBook, Event, dump_states, load_states
from citywx.weather.reading import Reading

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
REAL_DATA = ROOT.parent / "shared" / "data" / "dev_cities.csv"

WARM = """
[[rule]]
id = "warm"
metric = "temperature_c"
above = 23
clear = {clear}
severity = "info"
message = "Warm"
"""


def book(clear: float = 23) -> AlertBook:
    return AlertBook(parse_rules(WARM.format(clear=clear)))


def at(minute: int, value: float | None, city: str = "Oslo") -> Reading:
    return Reading(NOON + timedelta(minutes=minute), city, temperature_c=value)


def events(book: AlertBook, *readings: Reading) -> list[str]:
    return [event.event.value for reading in readings for event in book.judge(reading)]


def test_it_fires_once_on_crossing_and_resolves_at_the_clear_level() -> None:
    values = [22, 24, 25, 24, 23, 22, 23.5]
    told = events(book(), *(at(minute, value) for minute, value in enumerate(values)))
    assert told == ["fired", "resolved", "fired"]


def test_between_limit_and_clear_level_it_keeps_firing() -> None:
    values = [24, 22, 23.5, 21.1, 24, 21]
    told = events(book(clear=21), *(at(minute, value) for minute, value in enumerate(values)))
    assert told == ["fired", "resolved"]


def test_a_value_at_the_limit_does_not_fire() -> None:
    assert events(book(), at(0, 23.0)) == []


def test_a_first_reading_above_the_limit_fires() -> None:
    assert events(book(), at(0, 30)) == ["fired"]


def test_a_missing_value_changes_nothing() -> None:
    assert events(book(), at(0, 24), at(1, None), at(2, 24)) == ["fired"]
    quiet = book()
    assert events(quiet, at(5, None), at(3, 24)) == ["fired"]
    assert quiet.ignored == 0


def test_cities_are_independent() -> None:
    assert events(book(), at(0, 24, "Oslo"), at(0, 24, "Cairo")) == ["fired", "fired"]


def test_readings_that_are_not_newer_are_ignored_and_counted() -> None:
    judged = book()
    told = events(judged, at(10, 24), at(5, 20), at(10, 20), at(7, 26), at(11, 25))
    assert told == ["fired"]
    assert judged.ignored == 3


def test_an_alert_keeps_the_id_of_the_observation_that_started_it() -> None:
    judged = book()
    fired, resolved = [event for r in (at(0, 24), at(9, 20)) for event in judged.judge(r)]
    again = book().judge(at(0, 24.5))[0]
    assert fired.alert_id == resolved.alert_id == again.alert_id
    assert fired.alert_id != book().judge(at(1, 24))[0].alert_id
    assert fired.alert_id != book().judge(at(0, 24, "Cairo"))[0].alert_id


def test_an_event_says_what_where_and_how_much() -> None:
    fired = book().judge(at(0, 24.5))[0]
    assert fired.event is Event.FIRED
    assert (fired.value, fired.limit, fired.observed_at) == (24.5, 23.0, NOON)
    assert fired.message == "Warm in Oslo: 24.5 °C (above 23)"


def test_states_survive_being_saved() -> None:
    before = book()
    events(before, at(0, 24), at(0, 20, "Cairo"))
    states = load_states(dump_states(before.states))
    after = AlertBook(before.rules, states)
    assert after.states == before.states
    assert events(after, at(1, 25), at(2, 20)) == ["resolved"]


def test_states_of_a_rule_that_is_gone_are_forgotten() -> None:
    before = book()
    events(before, at(0, 24))
    assert AlertBook((), before.states).states == {}


def test_broken_states_are_refused() -> None:
    with pytest.raises(ValueError, match="lacks"):
        load_states([["warm", None, "2026-03-01T12:00:00Z", None]])


if REAL_DATA.exists():

    def test_the_shipped_23_degree_rule_fires_at_each_of_283_real_crossings() -> None:
        judged = AlertBook(load_rules(ROOT / "alerts.toml"))
        tail = Tail(REAL_DATA)
        fired = 0
        while lines := tail.read():
            for line in lines:
                reading = read_record(line, earliest=EARLIEST, latest=datetime.now(UTC))
                if isinstance(reading, Reading):
                    fired += sum(
                        event.rule_id == "above-23" and event.event is Event.FIRED
                        for event in judged.judge(reading)
                    )
        tail.close()
        assert fired == 283
