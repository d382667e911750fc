"""The judge of the fault tests finds what is lost, double or corrupt."""

from tests.faults.rows import CITIES, digest, expected_events, number_of, reading
from tests.faults.verdict import Verdict, judge_events

ROWS = 50
EVENTS = dict(expected_events(ROWS))


def test_each_row_but_a_citys_first_is_an_event() -> None:
    assert len(EVENTS) == ROWS - len(CITIES)


def test_a_row_is_found_again_by_its_identity_and_its_digest() -> None:
    row = reading(37)
    assert number_of(row.city, row.timestamp) == 37
    assert digest(row) == digest(row._replace(fetched_at=row.timestamp))
    assert digest(row) != digest(row._replace(humidity=1.0))


def test_equal_sets_are_clean() -> None:
    assert judge_events(EVENTS, EVENTS.items()) == Verdict(rows=len(EVENTS))


def test_a_missing_a_double_and_a_changed_event_are_counted() -> None:
    items = list(EVENTS.items())
    (key, (city, moment, value)), *rest = items
    changed = [(key, (city, moment, value + 1)), *rest[1:], rest[-1], (("no", "fired"), rest[0][1])]
    assert judge_events(EVENTS, changed) == Verdict(len(EVENTS), lost=1, double=1, corrupt=2)
