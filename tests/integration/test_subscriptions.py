"""Subscribing, confirming and unsubscribing, with a real PostgreSQL."""

from datetime import timedelta

import pytest

from citywx import subscriptions
from citywx.mail.outbox import send_outbox
from citywx.mail.tokens import Purpose, Token, sign
from citywx.subscriptions import ANSWER, SubscriptionError
from tests.support.mail import NOW, MailRoom

pytestmark = pytest.mark.integration
HOUR = timedelta(hours=1)


def test_the_answer_is_the_same_for_new_known_and_unsubscribed_addresses(
    mail_room: MailRoom,
) -> None:
    new = mail_room.request("ada@example.org")
    mail_room.subscribe("eve@example.org")
    known = mail_room.request("eve@example.org", "Oslo")
    mail_room.subscribe("bob@example.org")
    unsubscribe(mail_room, "bob@example.org")
    gone = mail_room.request("bob@example.org")
    flooded = mail_room.request("bob@example.org")
    assert {new, known, gone, flooded} == {ANSWER}


def unsubscribe(room: MailRoom, email: str) -> str:
    with room.engine.connect() as connection:
        token = Token(room.subscriber(connection, email).subscriber_id, "")
    signed = sign(room.settings, Purpose.UNSUBSCRIBE, token, now=NOW)
    return subscriptions.unsubscribe(room.engine, room.settings, signed, now=NOW)


def test_a_request_alone_confirms_nothing_and_queues_one_mail(mail_room: MailRoom) -> None:
    mail_room.request("ada@example.org", "Cairo", "Oslo")
    assert mail_room.state("ada@example.org") == "pending"
    assert [row.kind for row in mail_room.outbox()] == ["confirmation"]


def test_a_link_confirms_once_and_queues_one_welcome(mail_room: MailRoom) -> None:
    mail_room.request("ada@example.org", "Cairo", "Oslo")
    token = mail_room.confirm_token("ada@example.org")
    described = subscriptions.describe_token(
        mail_room.engine, mail_room.settings, token, purpose=Purpose.CONFIRM, now=NOW
    )
    assert described.cities == ("Cairo", "Oslo")
    assert described.address == "a…@example.org"
    assert mail_room.state("ada@example.org") == "pending"

    subscriptions.confirm(mail_room.engine, mail_room.settings, token, now=NOW)
    assert mail_room.state("ada@example.org") == "confirmed"
    with pytest.raises(SubscriptionError, match="used already"):
        subscriptions.confirm(mail_room.engine, mail_room.settings, token, now=NOW)
    assert [row.kind for row in mail_room.outbox()] == ["confirmation", "welcome"]


def test_a_confirmed_subscriber_changes_cities_only_by_the_link(mail_room: MailRoom) -> None:
    mail_room.subscribe("ada@example.org", "Cairo", "Oslo")
    mail_room.request("ada@example.org", "Cairo", "Tokyo")
    token = mail_room.confirm_token("ada@example.org")
    unsubscribe_token = unsubscribe_link(mail_room, "ada@example.org")

    def cities_now() -> tuple[str, ...]:
        return subscriptions.describe_token(
            mail_room.engine,
            mail_room.settings,
            unsubscribe_token,
            purpose=Purpose.UNSUBSCRIBE,
            now=NOW,
        ).cities

    assert cities_now() == ("Cairo", "Oslo")
    subscriptions.confirm(mail_room.engine, mail_room.settings, token, now=NOW)
    assert cities_now() == ("Cairo", "Tokyo")
    assert [row.kind for row in mail_room.outbox()].count("welcome") == 1


def unsubscribe_link(room: MailRoom, email: str) -> str:
    with room.engine.connect() as connection:
        token = Token(room.subscriber(connection, email).subscriber_id, "")
    return sign(room.settings, Purpose.UNSUBSCRIBE, token, now=NOW)


def test_a_newer_request_replaces_an_older_link(mail_room: MailRoom) -> None:
    mail_room.request("ada@example.org")
    old = mail_room.confirm_token("ada@example.org")
    mail_room.request("ada@example.org", now=NOW + 2 * HOUR)
    with pytest.raises(SubscriptionError, match="newer one"):
        subscriptions.confirm(mail_room.engine, mail_room.settings, old, now=NOW)
    counts = send_outbox(mail_room.engine, mail_room.settings, mail_room.home, now=NOW + 2 * HOUR)
    assert counts == {"suppressed": 1, "sent": 1}


def test_the_welcome_is_sent_though_other_cities_were_asked_for_meanwhile(
    mail_room: MailRoom,
) -> None:
    mail_room.subscribe("ada@example.org")
    mail_room.request("ada@example.org", "Oslo")
    send_outbox(mail_room.engine, mail_room.settings, mail_room.home, now=NOW)
    assert [(row.kind, row.state) for row in mail_room.outbox()] == [
        ("confirmation", "suppressed"),
        ("welcome", "sent"),
        ("confirmation", "sent"),
    ]


def test_whoever_left_again_gets_no_welcome(mail_room: MailRoom) -> None:
    mail_room.subscribe("ada@example.org")
    unsubscribe(mail_room, "ada@example.org")
    counts = send_outbox(mail_room.engine, mail_room.settings, mail_room.home, now=NOW)
    assert counts == {"suppressed": 2}


def test_expired_forged_and_foreign_links_are_refused(mail_room: MailRoom) -> None:
    mail_room.request("ada@example.org")
    token = mail_room.confirm_token("ada@example.org")
    foreign = unsubscribe_link(mail_room, "ada@example.org")
    for wrong, at in ((token, NOW + 49 * HOUR), (token[:-2], NOW), (foreign, NOW), ("", NOW)):
        with pytest.raises(SubscriptionError):
            subscriptions.confirm(mail_room.engine, mail_room.settings, wrong, now=at)
    assert mail_room.state("ada@example.org") == "pending"


def test_unsubscribing_twice_gives_the_same_answer_and_kills_the_open_link(
    mail_room: MailRoom,
) -> None:
    mail_room.subscribe("ada@example.org")
    mail_room.request("ada@example.org", "Oslo")
    pending = mail_room.confirm_token("ada@example.org")
    answers = {unsubscribe(mail_room, "ada@example.org") for _ in range(2)}
    assert len(answers) == 1
    assert mail_room.state("ada@example.org") == "unsubscribed"
    with pytest.raises(SubscriptionError):
        subscriptions.confirm(mail_room.engine, mail_room.settings, pending, now=NOW)


def test_a_link_of_an_unknown_subscriber_reveals_nothing(mail_room: MailRoom) -> None:
    mail_room.subscribe("ada@example.org")
    token = unsubscribe_link(mail_room, "ada@example.org")
    with mail_room.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM subscribers")
    answer = subscriptions.unsubscribe(mail_room.engine, mail_room.settings, token, now=NOW)
    assert answer == subscriptions.UNSUBSCRIBED


def test_one_address_gets_one_mail_an_hour_and_three_a_day(mail_room: MailRoom) -> None:
    for minutes in range(0, 23 * 60, 20):
        client = f"192.0.2.{minutes % 250}"
        spelling = "ada@example.org" if minutes % 40 else "ADA@EXAMPLE.ORG"
        mail_room.request(spelling, client=client, now=NOW + timedelta(minutes=minutes))
    hours = [row.queued_at - NOW for row in mail_room.outbox()]
    assert hours == [0 * HOUR, HOUR, 2 * HOUR]


def test_one_client_may_ask_ten_times_an_hour(mail_room: MailRoom) -> None:
    for number in range(10):
        mail_room.request(f"a{number}@example.org")
    with pytest.raises(SubscriptionError, match="too many"):
        mail_room.request("a11@example.org")
    mail_room.request("a11@example.org", client="192.0.2.99")
    mail_room.request("a12@example.org", now=NOW + HOUR + timedelta(seconds=1))


def test_neither_addresses_nor_clients_are_kept_readable_for_the_limits(
    mail_room: MailRoom,
) -> None:
    mail_room.request("ada@example.org", client="192.0.2.77")
    with mail_room.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM subscription_requests").all()
    assert len(rows) == 1
    assert "ada" not in str(rows)
    assert "192.0.2.77" not in str(rows)


@pytest.mark.parametrize("cities", [(), ("Atlantis",), ("Cairo", "Cairo; DROP TABLE cities")])
def test_only_known_cities_can_be_chosen(mail_room: MailRoom, cities: tuple[str, ...]) -> None:
    with pytest.raises(SubscriptionError):
        subscriptions.request_subscription(
            mail_room.engine,
            mail_room.settings,
            email="ada@example.org",
            cities=cities,
            client="192.0.2.1",
            now=NOW,
        )
    assert mail_room.outbox() == []


def alerts_from(room: MailRoom, email: str) -> str | None:
    with room.engine.connect() as connection:
        found: str | None = room.subscriber(connection, email).alerts_from
    return found


def test_alerts_are_mailed_only_once_the_choice_is_confirmed(mail_room: MailRoom) -> None:
    mail_room.subscribe("ada@example.org", "Cairo")
    mail_room.request("ada@example.org", "Cairo", alerts_from="warning")
    assert alerts_from(mail_room, "ada@example.org") is None
    token = mail_room.confirm_token("ada@example.org")
    described = subscriptions.describe_token(
        mail_room.engine, mail_room.settings, token, purpose=Purpose.CONFIRM, now=NOW
    )
    assert described.alerts_from == "warning"
    subscriptions.confirm(mail_room.engine, mail_room.settings, token, now=NOW)
    assert alerts_from(mail_room, "ada@example.org") == "warning"


def test_who_confirms_a_choice_without_alerts_gets_none(mail_room: MailRoom) -> None:
    mail_room.subscribe("ada@example.org", "Cairo", alerts_from="info")
    mail_room.subscribe("ada@example.org", "Cairo")
    assert alerts_from(mail_room, "ada@example.org") is None


def test_a_choice_that_is_not_offered_is_refused(mail_room: MailRoom) -> None:
    with pytest.raises(SubscriptionError, match="from the alerts in the list"):
        mail_room.request("ada@example.org", alerts_from="catastrophe")
    assert mail_room.outbox() == []
