"""What the alert book makes of readings: when alerts fire, escalate and end."""

import gzip
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywx.staging.lines import read_record
from citywx.staging.tail import Tail
from citywx.weather.alerting.bench import Known
from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import Definitions, load_definitions, parse_definitions
from citywx.weather.alerting.events import AlertEvent
from citywx.weather.alerting.life import Event
from citywx.weather.alerting.memory import Memory
from citywx.weather.reading import Reading, header_layout, parse_line

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
REAL_DATA = ROOT.parent / "shared" / "data" / "dev_cities.csv"


def rules(more: str = "", clear: float = 23) -> Definitions:
    return parse_definitions(f"""
        [[rule]]
        id = "warm"
        metric = "temperature_c"
        above = 23
        clear = {clear}
        severity = "info"
        message = "Warm"
        {more}
    """)


LADDER = """
    [[rule]]
    id = "heat"
    metric = "temperature_c"
    message = "Heat"
    advice = "Drink water."
    {more}
    [[rule.level]]
    severity = "warning"
    at_least = 35
    clear = 33
    [[rule.level]]
    severity = "severe"
    at_least = 40
    clear = 38
"""


def book(more: str = "", clear: float = 23) -> AlertBook:
    return AlertBook(rules(more, clear))


def at(minute: float, value: float | None, city: str = "Oslo", source: str = "csv") -> Reading:
    return Reading(NOON + timedelta(minutes=minute), city, value, source=source)


def judged(book: AlertBook, *readings: Reading) -> list[AlertEvent]:
    return [event for reading in readings for event in book.judge(reading)]


def events(book: AlertBook, *readings: Reading) -> list[str]:
    return [event.event.value for event in judged(book, *readings)]


def ticked(book: AlertBook, now: datetime) -> list[AlertEvent]:
    return book.tick(now) or []


def series(*values: float | None, step: float = 1) -> list[Reading]:
    return [at(number * step, value) for number, value in enumerate(values)]


def again(book: AlertBook, definitions: Definitions | None = None) -> AlertBook:
    """The book after a restart."""
    memory = Memory.load(book.memory().dump())
    return AlertBook(definitions or book.definitions, memory=memory)


def test_it_fires_once_on_crossing_and_resolves_past_the_clear_level() -> None:
    told = events(book(), *series(22, 24, 25, 24, 23, 22, 23.5))
    assert told == ["fired", "resolved", "fired"]


def test_between_limit_and_clear_level_it_keeps_firing() -> None:
    assert events(book(clear=21), *series(24, 22, 23.5, 21, 24, 20.9)) == ["fired", "resolved"]


def test_a_value_at_the_limit_does_not_fire() -> None:
    assert events(book(), at(0, 23.0)) == []


def test_a_first_reading_above_the_limit_fires() -> None:
    assert events(book(), at(0, 30)) == ["fired"]


def test_a_missing_value_changes_nothing() -> None:
    assert events(book(), *series(24, None, 24)) == ["fired"]


def test_cities_are_independent() -> None:
    assert events(book(), at(0, 24, "Oslo"), at(0, 24, "Cairo")) == ["fired", "fired"]


def test_readings_that_are_not_newer_are_ignored_and_counted() -> None:
    one = book()
    assert events(one, at(10, 24), at(5, 20), at(10, 20), at(7, 26), at(11, 25)) == ["fired"]
    assert one.late == 3


def test_an_alert_keeps_the_id_of_the_observation_that_started_it() -> None:
    fired, resolved = judged(book(), at(0, 24), at(9, 20))
    other = book().judge(at(0, 24.5))[0]
    assert fired.alert_id == resolved.alert_id == other.alert_id
    assert fired.alert_id != book().judge(at(1, 24))[0].alert_id
    assert fired.alert_id != book().judge(at(0, 24, "Cairo"))[0].alert_id


def test_an_event_says_what_where_and_how_much() -> None:
    fired = book().judge(at(0, 24.5))[0]
    assert (fired.value, fired.limit, fired.observed_at) == (24.5, 23.0, NOON)
    assert fired.message == "Warm in Oslo: 24.5 °C (above 23)"


def test_an_end_tells_the_peak_and_the_readings_behind_it() -> None:
    end = judged(book(), *series(24, 27.5, 25, 20, step=10))[-1]
    assert end.message == "Warm in Oslo is over: 20 °C"
    assert (end.peak, end.peak_at, end.readings) == (27.5, NOON + timedelta(minutes=10), 4)
    assert (end.started_at, end.observed_at) == (NOON, NOON + timedelta(minutes=30))


def test_a_message_may_be_a_sentence_with_values() -> None:
    text = "{city}: {value}, over {limit}"
    source = f"""
        [[rule]]
        id = "warm"
        metric = "temperature_c"
        above = 23
        severity = "info"
        message = "{text}"
    """
    told = judged(AlertBook(parse_definitions(source)), at(0, 24), at(1, 20))
    assert [event.message for event in told] == [
        "Oslo: 24 °C, over 23 °C",
        "Over: Oslo: 20 °C, over 23 °C",
    ]


def test_with_for_it_fires_only_when_the_condition_has_held_that_long() -> None:
    waiting = book('for = "2h"')
    told = judged(waiting, *series(24, 25, 24, 24, 20, step=60))
    assert [event.event.value for event in told] == ["pending", "fired", "resolved"]
    assert told[1].observed_at - told[1].started_at == timedelta(hours=2)


def test_with_for_a_condition_that_ends_early_is_cancelled() -> None:
    told = events(book('for = "2h"'), *series(24, 25, 20, 24, step=60))
    assert told == ["pending", "cancelled", "pending"]


def test_with_keep_firing_for_a_short_lull_does_not_end_it() -> None:
    kept = 'keep_firing_for = "1h"'
    assert events(book(kept), *series(24, 20, 24, 20, 20, step=40)) == ["fired"]
    assert events(book(kept), *series(24, 20, 20, 20, step=40)) == ["fired", "resolved"]


def test_a_ladder_escalates_and_steps_down_in_one_alert() -> None:
    ladder = AlertBook(parse_definitions(LADDER.format(more="")))
    told = judged(ladder, *series(34, 36, 41, 39, 37, 34, 32))
    assert [(event.event.value, event.severity.value) for event in told] == [
        ("fired", "warning"),
        ("escalated", "severe"),
        ("eased", "warning"),
        ("resolved", "warning"),
    ]
    assert len({event.alert_id for event in told}) == 1
    assert told[1].message == "Heat in Oslo is now severe: 41 °C (at least 40)"
    assert told[-1].peak == 41
    assert told[0].advice == "Drink water."


def test_a_ladder_with_for_steps_up_over_time() -> None:
    ladder = AlertBook(parse_definitions(LADDER.format(more='for = "1h"')))
    told = judged(ladder, *series(36, 41, 41, 41, step=30))
    assert [(event.event.value, event.observed_at.minute) for event in told] == [
        ("pending", 0),
        ("fired", 0),
        ("escalated", 30),
    ]


def test_active_hours_are_the_citys_own() -> None:
    night = rules('active = "22:00-06:00"')
    tokyo = AlertBook(night, Known(zones=lambda _: ZoneInfo("Asia/Tokyo")))  # NOON is 21:00 there
    told = judged(tokyo, *series(24, 24, 24, step=59))
    assert [(e.event.value, e.observed_at) for e in told] == [
        ("fired", NOON + timedelta(minutes=118))
    ]
    assert events(AlertBook(night), at(0, 24)) == []


def test_an_alert_ends_with_the_hours_of_its_rule() -> None:
    day = book('active = "12:00-12:30"')
    assert events(day, *series(24, 24, 24, step=20)) == ["fired", "resolved"]


@pytest.mark.parametrize(
    ("policy", "told"),
    [("keep", []), ("ok", ["resolved"]), ("alert", [])],
)
def test_what_silence_does_to_a_firing_rule(policy: str, told: list[str]) -> None:
    one = book(f'silent_for = "1h"\nno_data = "{policy}"')
    one.judge(at(0, 24))
    assert ticked(one, NOON + timedelta(minutes=59)) == []
    assert [e.event.value for e in ticked(one, NOON + timedelta(minutes=60))] == told
    assert ticked(one, NOON + timedelta(minutes=61)) == []


def test_silence_is_an_alert_that_ends_with_the_next_reading() -> None:
    one = AlertBook(
        parse_definitions("""
            [[rule]]
            id = "silence"
            silent_for = "1h"
            severity = "warning"
            message = "No readings"
        """)
    )
    assert events(one, at(0, 24), at(50, None)) == []
    assert ticked(one, NOON + timedelta(minutes=100)) == []
    (fired,) = ticked(one, NOON + timedelta(minutes=115))
    assert fired.started_at == NOON + timedelta(minutes=110)
    assert fired.message == "No readings in Oslo: no reading since 2026-03-01 12:50 UTC"
    one = again(one)
    assert ticked(one, NOON + timedelta(minutes=120)) == []
    (over,) = one.judge(at(130, 24))
    assert (over.event, over.alert_id) == (Event.RESOLVED, fired.alert_id)


def test_silence_counts_from_the_writing_where_that_is_known() -> None:
    one = book('silent_for = "1h"\nno_data = "ok"')
    one.judge(at(0, 24)._replace(fetched_at=NOON + timedelta(minutes=45)))
    assert ticked(one, NOON + timedelta(minutes=90)) == []
    assert len(ticked(one, NOON + timedelta(minutes=105))) == 1


def test_a_change_over_a_window_is_judged() -> None:
    falling = AlertBook(
        parse_definitions("""
            [[rule]]
            id = "falling"
            metric = "pressure_tendency_3h"
            at_most = -3.6
            clear = -1.6
            severity = "info"
            message = "Pressure falls quickly"
        """)
    )
    readings = [
        Reading(NOON + timedelta(hours=hour), "Oslo", pressure=value)
        for hour, value in enumerate((1010, 1009, 1008, 1006, 1005, 1004, 1004, 1004, 1003.5))
    ]
    told = judged(falling, *readings)
    assert [(e.event.value, e.value, e.observed_at.hour) for e in told] == [
        ("fired", -4.0, 15),
        ("resolved", -1.0, 19),
    ]
    assert told[0].metric == "pressure change"


def test_a_derived_metric_is_judged() -> None:
    sultry = AlertBook(
        parse_definitions("""
            [[rule]]
            id = "sultry"
            metric = "heat_index"
            at_least = 39
            clear = 37
            severity = "warning"
            message = "Dangerous heat"
        """)
    )
    assert judged(sultry, Reading(NOON, "Oslo", 35, 30)) == []
    (event,) = sultry.judge(Reading(NOON + timedelta(hours=1), "Oslo", 35, 60))
    assert event.value == pytest.approx(45.1, abs=0.1)


def test_within_the_allowed_lateness_readings_are_sorted_in() -> None:
    one = book('allowed_lateness = "10m"')
    told = judged(one, at(0, 20), at(6, 20), at(3, 24), at(30, 20))
    assert [(e.event.value, e.observed_at.minute) for e in told] == [("fired", 3), ("resolved", 6)]
    assert events(one, at(5, 30)) == []
    assert one.late == 1


def test_what_waits_for_late_readings_is_judged_by_the_clock_at_last() -> None:
    one = book('allowed_lateness = "10m"')
    assert events(one, at(0, 24)) == []
    one = again(one)
    assert ticked(one, NOON + timedelta(minutes=9)) == []
    assert [e.event.value for e in ticked(one, NOON + timedelta(minutes=10))] == ["fired"]


def test_a_city_keeps_to_its_best_source_while_that_is_heard() -> None:
    one = AlertBook(rules(), Known(sources=("good", "poor")))
    told = [at(0, 20, source="good"), at(5, 24, source="poor"), at(10, 20, source="good")]
    assert events(one, *told) == []
    assert one.late == 1
    assert events(one, at(80, 24, source="poor")) == ["fired"]


def test_an_alert_whose_rule_is_gone_is_ended_after_the_restart() -> None:
    one = book()
    one.judge(at(0, 24))
    after = again(one, Definitions())
    (end,) = after.orphans
    assert (end.event, end.message) == (
        Event.RESOLVED,
        "Warm in Oslo is over: its rule was removed or changed",
    )
    assert again(after).orphans == []


def test_a_changed_limit_takes_over_the_alert() -> None:
    one = book()
    one.judge(at(0, 24))
    stricter = parse_definitions(
        '[[rule]]\nid = "warm"\nmetric = "temperature_c"\nabove = 26\nseverity = "info"\n'
        'message = "Warm"\n'
    )
    assert events(again(one, stricter), at(1, 25)) == ["resolved"]


FRONT = """
    [[pattern]]
    id = "front"
    kind = "all_of"
    conditions = [
      {{ metric = "temperature_c", fall = 4 }},
      {{ metric = "pressure", rise = 1.5 }},
    ]
    within = "{within}"
    severity = "info"
    message = "A front passes"
    [[pattern]]
    id = "moving"
    kind = "spread"
    condition = {{ pattern = "front" }}
    reached = 2
    within = "6h"
    severity = "warning"
    message = "A front moves"
"""


def front(hour: float, city: str) -> list[Reading]:
    """Readings of a city that a front reaches at that hour."""
    return [
        Reading(NOON + timedelta(hours=hour + step), city, 18.0 - 6 * step, None, 1000.0 + 3 * step)
        for step in (0, 1)
    ]


def test_a_pattern_lives_as_a_rule_does() -> None:
    one = AlertBook(parse_definitions(FRONT.format(within="2h")))
    told = judged(one, *front(0, "Oslo"))
    one = again(one)
    told += judged(one, *front(2, "Bergen"), *front(10, "Oslo")[:1])
    assert [(e.rule_id, e.event.value, e.city) for e in told] == [
        ("front", "fired", "Oslo"),
        ("front", "fired", "Bergen"),
        ("moving", "fired", "Oslo"),
        ("front", "resolved", "Oslo"),
        ("moving", "resolved", "Oslo"),
    ]
    assert (told[2].kind.value, told[2].value) == ("pattern", 2)
    assert [there["city"] for there in told[2].details["cities"]] == ["Oslo", "Bergen"]  # type: ignore[attr-defined]


def pattern(keys: str) -> Definitions:
    start = '[[pattern]]\nid = "it"\nseverity = "info"\nmessage = "It"\n'
    return parse_definitions(start + keys)


def test_a_pattern_whose_memory_is_of_another_kind_begins_anew() -> None:
    fall = pattern('kind = "fall"\nmetric = "temperature_c"\nby = 3\nwithin = "1h"\n')
    stuck = pattern('kind = "stuck"\nmetric = "temperature_c"\nunchanged_for = "9h"\n')
    one = AlertBook(fall)
    judged(one, *series(20, 15, step=10))
    after = again(one, stuck)
    assert after.begun_anew == ["it"]
    assert events(after, at(30, 20)) == ["resolved"]
    assert again(after).begun_anew == []


@pytest.mark.parametrize(
    "body",
    [{}, {"cities": [[0, "Oslo"]], "lives": [], "policies": [], "detectors": {}}, {"cities": 3}],
)
def test_a_broken_memory_is_refused(body: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        Memory.load(body)


MIXED = parse_definitions(
    """
    [[rule]]
    id = "long"
    metric = "temperature_c"
    above = 23
    clear = 21
    for = "2h"
    keep_firing_for = "1h"
    severity = "info"
    message = "Warm"
    allowed_lateness = "3h"

    [[rule]]
    id = "fall"
    metric = "temperature_c"
    change_over = "2h"
    at_most = -3
    clear = -1
    severity = "info"
    message = "Fall"
    allowed_lateness = "3h"
    """
    + LADDER.format(more='allowed_lateness = "3h"')
)

readings_of_a_city = st.lists(
    st.tuples(
        st.integers(0, 24 * 6).map(lambda number: number * 10),
        st.floats(15, 45).map(lambda value: round(value, 1)) | st.none(),
    ),
    unique_by=lambda pair: pair[0],
    max_size=40,
).map(sorted)


def late_order(minutes: Iterable[int], delays: list[int]) -> list[int]:
    """Indices in an order in which nothing is overtaken by more than the delays say."""
    arrivals = [(minute + delays[n % len(delays)], n) for n, minute in enumerate(minutes)]
    return [number for _, number in sorted(arrivals)]


@settings(deadline=None)
@given(
    readings_of_a_city,
    st.lists(st.integers(0, 180), min_size=1, max_size=7),
    st.sets(st.integers(0, 60)),
    st.sets(st.integers(0, 60)),
)
def test_order_restarts_and_duplicates_change_no_event(
    points: list[tuple[int, float | None]],
    delays: list[int],
    restarts: set[int],
    doubles: set[int],
) -> None:
    readings = [at(minute, value) for minute, value in points]
    end = NOON + timedelta(days=30)
    straight = AlertBook(MIXED)
    expected = judged(straight, *readings) + ticked(straight, end)
    crooked, told = AlertBook(MIXED), []
    for place, number in enumerate(late_order((minute for minute, _ in points), delays)):
        told += crooked.judge(readings[number])
        if place in doubles:
            told += crooked.judge(readings[number])
        if place in restarts:
            crooked = again(crooked)
    assert told + ticked(crooked, end) == expected


@settings(deadline=None)
@given(readings_of_a_city)
def test_with_for_no_alert_fires_whose_condition_held_for_less(
    points: list[tuple[int, float | None]],
) -> None:
    waiting = book('for = "2h"', clear=21)
    values = {NOON + timedelta(minutes=minute): value for minute, value in points}
    for event in judged(waiting, *(at(minute, value) for minute, value in points)):
        if event.event is Event.FIRED:
            assert event.observed_at - event.started_at >= timedelta(hours=2)
            held = [
                value
                for moment, value in values.items()
                if event.started_at <= moment <= event.observed_at and value is not None
            ]
            assert min(held) > 23


DEV = REAL_DATA.with_name("backtest_dev.csv.gz")


def dev_readings() -> Iterable[Reading]:
    with gzip.open(DEV, "rb") as file:
        header, *lines = file.read().splitlines()
    layout = header_layout(header)
    assert layout is not None
    for line in lines:
        yield parse_line(line, layout, earliest=EARLIEST, latest=NOON)


if REAL_DATA.exists():

    @pytest.mark.parametrize(
        ("more", "clear", "alerts"), [("", 23, 1322), ("", 21, 967), ('for = "2h"', 21, 864)]
    )
    def test_a_year_of_eight_cities_fires_as_often_as_a_plain_loop_says(
        more: str, clear: float, alerts: int
    ) -> None:
        told = judged(book(more, clear), *dev_readings())
        assert sum(event.event is Event.FIRED for event in told) == alerts

    def test_the_shipped_23_degree_rule_fires_at_each_of_283_real_crossings() -> None:
        judge = AlertBook(load_definitions(ROOT / "alerts.toml"))
        tail = Tail(REAL_DATA)
        fired = 0
        while lines := tail.read():
            for line in lines:
                reading = read_record(line, earliest=EARLIEST, latest=datetime.now(UTC))
                if isinstance(reading, Reading):
                    fired += sum(
                        event.rule_id == "above-23" and event.event is Event.FIRED
                        for event in judge.judge(reading)
                    )
        tail.close()
        assert fired == 283
