"""From alert events to queued notices: for whom, once, and with what in them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from citywx.notices import silences
from citywx.notices.content_json import decode
from citywx.notices.holds import Silence
from citywx.notices.silences import SilenceError, SilenceRequest
from citywx.notices.trial import TrialError, queue_trial
from citywx.notices.words import plain_text
from citywx.warehouse.tables import alerts, cities, notice_groups, notifier_positions, subscribers
from tests.support.alert_rows import NOON, alert_row
from tests.support.mail import MailRoom
from tests.support.notices import TO_OPERATORS, TO_SUBSCRIBERS, WAIT, Notices, to_webhook

pytestmark = pytest.mark.integration
HOUR = timedelta(hours=1)


@pytest.fixture
def operators(mail_room: MailRoom) -> Notices:
    return Notices(mail_room, TO_OPERATORS)


def test_a_notice_says_what_where_since_when_how_bad_and_what_to_do(operators: Notices) -> None:
    operators.fire(alert_row("a", "Tokyo", severity="severe", suspect=True))
    operators.make()
    (row,) = operators.rows()
    assert row.title == "Severe: Heat in Tokyo"
    assert row.alert_ids == ["a"]
    assert plain_text(decode(row.content)).splitlines() == [
        "Heat in Tokyo: 36.2 °C (at least 35) (severe)",
        "  Since Tue 10 Mar, 21:00.",
        "  Peak 38.1 °C at Tue 10 Mar, 21:00.",
        "  The readings behind it are doubtful.",
        "  Drink water, and stay in the shade.",
    ]


def test_the_end_of_an_alert_says_how_long_it_was_and_how_bad(operators: Notices) -> None:
    row = alert_row("a", "Cairo")
    operators.fire(row)
    operators.make()
    operators.resolve(NOON + timedelta(hours=2, minutes=10), row)
    operators.make(3 * HOUR)
    assert [one.title for one in operators.rows()] == [
        "Warning: Heat in Cairo",
        "Over: Heat in Cairo",
    ]
    said = plain_text(decode(operators.rows()[1].content))
    assert "From Tue 10 Mar, 14:00 to Tue 10 Mar, 16:10: 2 h 10 min." in said
    assert "Peak 38.1 °C" in said


def test_a_restart_at_any_moment_tells_nothing_twice_and_loses_nothing(
    operators: Notices,
) -> None:
    operators.fire(alert_row("a"))
    operators.look(timedelta(0))
    operators.restart()
    operators.fire(alert_row("b", "Oslo"))
    operators.look(timedelta(seconds=10))
    operators.restart()
    operators.look(WAIT)
    operators.restart()
    operators.look(timedelta(minutes=10))
    assert [sorted(row.alert_ids) for row in operators.rows()] == [["a", "b"]]


def test_two_notifiers_at_once_make_each_notice_once(operators: Notices) -> None:
    others = [Notices(operators.room, TO_OPERATORS) for _ in range(3)]
    for number in range(4):
        operators.fire(alert_row(f"a{number}", at=NOON))
        with ThreadPoolExecutor(3) as pool:
            after = timedelta(minutes=10 * number, seconds=40)
            list(pool.map(lambda one, at=after - WAIT: one.look(at), others))
            list(pool.map(lambda one, at=after: one.look(at), others))
    assert sorted(row.alert_ids[0] for row in operators.rows()) == ["a0", "a1", "a2", "a3"]


def test_what_a_notice_needs_is_written_in_one_transaction(operators: Notices) -> None:
    operators.fire(alert_row("a"))
    operators.make()
    with operators.room.engine.connect() as connection:
        assert connection.scalar(select(notifier_positions.c.event_no)) > 0
        (group,) = connection.execute(select(notice_groups)).all()
    assert group.state["members"][0]["told"] == "warning"


def test_a_subscriber_is_told_of_what_was_chosen_and_nothing_else(mail_room: MailRoom) -> None:
    found = Notices(mail_room, TO_SUBSCRIBERS)
    mail_room.subscribe("all@example.org", "Cairo", "Oslo", alerts_from="info")
    mail_room.subscribe("bad@example.org", "Cairo", alerts_from="severe")
    mail_room.subscribe("none@example.org", "Cairo")
    mail_room.subscribe("far@example.org", "Tokyo", alerts_from="info")
    mail_room.request("pending@example.org", "Cairo", alerts_from="info")
    row = alert_row("a", "Cairo")
    found.fire(row, alert_row("b", "Oslo"), alert_row("c", "Nowhere"))
    found.make()
    assert who_was_told(found) == {"all@example.org": [["a", "b"]]}
    worse = alert_row("a", "Cairo", severity="severe")
    found.fire(worse, event="escalated")
    found.make(HOUR)
    found.resolve(NOON + 2 * HOUR, worse)
    found.make(3 * HOUR)
    assert who_was_told(found) == {
        "all@example.org": [["a", "b"], ["a"], ["a"]],
        "bad@example.org": [["a"], ["a"]],
    }
    content = decode(found.rows()[0].content)
    assert (content.alert_count, content.firing_beside) == (2, 0)


def who_was_told(found: Notices) -> dict[str, list[list[str]]]:
    told: dict[str, list[list[str]]] = {}
    with found.room.engine.connect() as connection:
        people = connection.execute(select(subscribers.c.subscriber_id, subscribers.c.email))
        names = {row.subscriber_id: row.email for row in people}
    for row in found.rows():
        told.setdefault(names[row.subscriber_id], []).append(sorted(row.alert_ids))
    return told


def test_silences_and_acknowledgements_in_the_database_count(operators: Notices) -> None:
    engine = operators.room.engine
    what = SilenceRequest(Silence(city="Os*"), NOON, NOON + HOUR, "ada", "works on the roof")
    with engine.begin() as connection:
        number = silences.add_silence(connection, what)
    operators.fire(alert_row("a"), alert_row("b", "Oslo"))
    made = operators.make()
    assert made.held == {"silenced": 1}
    assert [row.alert_ids for row in operators.rows()] == [["a"]]
    with engine.begin() as connection:
        assert silences.acknowledge(connection, "a", author="ada", note="", now=NOON)
        assert not silences.acknowledge(connection, "a", author="bob", note="", now=NOON)
        silences.end_silence(connection, number, NOON + HOUR / 2)
        with pytest.raises(SilenceError, match="no alert nothing is firing"):
            silences.acknowledge(connection, "nothing", author="ada", note="", now=NOON)
        with pytest.raises(SilenceError, match="has not ended"):
            silences.end_silence(connection, number, NOON + HOUR)
    operators.make(HOUR)
    operators.make(9 * HOUR)
    assert [row.alert_ids for row in operators.rows()] == [["a"], ["b"], ["b"]]
    assert operators.rows()[2].title == "Warning: still heat in Oslo"


def test_a_silence_has_an_end_an_author_and_a_reason(operators: Notices) -> None:
    with operators.room.engine.begin() as connection:
        for wanted, words in (
            (SilenceRequest(Silence(), NOON, NOON, "ada", "why"), "must end after"),
            (SilenceRequest(Silence(), NOON, NOON + HOUR, " ", "why"), "needs an author"),
            (SilenceRequest(Silence(), NOON, NOON + HOUR, "ada", ""), "needs an author"),
            (SilenceRequest(Silence(severity="bad"), NOON, NOON + HOUR, "a", "b"), "severity"),
        ):
            with pytest.raises(SilenceError, match=words):
                silences.add_silence(connection, wanted)


def test_a_rule_that_says_more_holds_others_back_in_its_city_alone(operators: Notices) -> None:
    storm = alert_row("s", "Cairo", rule="storm", severity="severe")
    operators.fire(storm)
    operators.fire(*(alert_row(city, city, inhibited_by=["storm"]) for city in ("Cairo", "Oslo")))
    assert operators.make().held == {"inhibited": 1}
    assert sorted(row.alert_ids[0] for row in operators.rows()) == ["Oslo", "s"]
    operators.resolve(NOON + HOUR, storm)
    operators.make(HOUR)
    assert ["Cairo"] in [row.alert_ids for row in operators.rows()]


def test_ten_thousand_firings_are_a_few_notices_that_say_how_many_more(
    mail_room: MailRoom,
) -> None:
    route = 'group_by = ["rule", "city"]\nmost_notices = 4\nmost_listed = 5'
    found = Notices(mail_room, to_webhook("http://127.0.0.1:9/", route=route))
    rows = [alert_row(f"a{number}", f"City {number}") for number in range(10_000)]
    for first in range(0, 10_000, 2_500):
        found.fire(*rows[first : first + 2_500])
    made = found.look(timedelta(0))
    while made.more:
        made = found.look(timedelta(0))
    found.look(WAIT)
    told = [one for row in found.rows() for one in row.alert_ids]
    assert len(found.rows()) == 4
    assert len(told) == len(set(told)) == 10_000
    last = decode(found.rows()[-1].content)
    assert (len(last.alerts), last.more) == (5, 9_992)
    assert "And 9992 more alerts, not listed here." in plain_text(last)
    assert found.rows()[-1].title == "Warning: Heat in 9997 cities"


def test_alerts_that_were_deleted_meanwhile_make_no_notice(operators: Notices) -> None:
    operators.fire(alert_row("a"))
    with operators.room.engine.begin() as connection:
        connection.execute(delete(alerts))
    operators.make()
    assert operators.rows() == []


def test_a_route_that_is_gone_is_forgotten(operators: Notices) -> None:
    operators.fire(alert_row("a"))
    operators.look(timedelta(0))
    Notices(operators.room, to_webhook("http://127.0.0.1:9/")).make()
    with operators.room.engine.connect() as connection:
        assert connection.execute(select(notice_groups)).all() == []


def test_a_city_whose_time_zone_is_none_is_told_of_in_utc(operators: Notices) -> None:
    with operators.room.engine.begin() as connection:
        connection.execute(update(cities).values(time_zone="Canary/Island"))
    operators.fire(alert_row("a"))
    operators.make()
    assert "Since Tue 10 Mar, 12:00." in plain_text(decode(operators.rows()[0].content))


def test_simulated_weather_is_called_so(mail_room: MailRoom) -> None:
    found = Notices(mail_room, TO_OPERATORS)
    found.maker._origin = "simulated"
    found.fire(alert_row("a"))
    found.make()
    (row,) = found.rows()
    assert row.title == "[simulated] Warning: Heat in Cairo"
    assert "not the real weather" in plain_text(decode(row.content))


def test_a_test_notice_goes_to_operators_receivers_only(mail_room: MailRoom) -> None:
    found = Notices(mail_room, TO_OPERATORS + to_webhook("http://127.0.0.1:9/"))
    with mail_room.engine.begin() as connection:
        queue_trial(connection, found.routing, (), origin="real", now=NOON)
        with pytest.raises(TrialError, match="there are: operators, hook"):
            queue_trial(connection, found.routing, ["nobody"], origin="real", now=NOON)
        nobody = Notices(mail_room, TO_SUBSCRIBERS).routing
        with pytest.raises(TrialError, match="no receivers but subscribers"):
            queue_trial(connection, nobody, (), origin="real", now=NOON)
    assert [(row.receiver, row.kind) for row in found.rows()] == [
        ("operators", "test"),
        ("hook", "test"),
    ]
    assert found.rows()[0].title == "[test] Info: Test in Nowhere"


def test_a_subscriber_who_left_meanwhile_gets_nothing(mail_room: MailRoom) -> None:
    found = Notices(mail_room, TO_SUBSCRIBERS)
    mail_room.subscribe("ada@example.org", "Cairo", alerts_from="info")
    found.fire(alert_row("a"))
    found.make()
    with mail_room.engine.begin() as connection:
        connection.execute(update(subscribers).values(state="unsubscribed"))
    assert found.mail() == {"suppressed": 1}
