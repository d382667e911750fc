"""Notices on their way: mailboxes and webhooks that take them, refuse them, hang, or are down."""

import time
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from citywx.mail.smtp import SmtpTransport
from citywx.mail.transport import MailUnavailableError
from citywx.notices import webhook as webhook_module
from citywx.notices.deliveries import count_by_state, forget_old, give_up_late
from citywx.notices.webhook import WebhookRequest, WebhookTransport, signature
from citywx.warehouse.tables import alert_notifications, subscribers
from tests.support.alert_rows import NOON, alert_row
from tests.support.mail import MailRoom
from tests.support.notices import TO_OPERATORS, TO_SUBSCRIBERS, WAIT, Notices, to_webhook
from tests.support.ports import free_port
from tests.support.smtp import SmtpServerForTests
from tests.support.webhooks import Reply, WebhookServer, receiving

pytestmark = pytest.mark.integration
LATER = timedelta(minutes=10)
SIGNED = 'secret_env = "NOTICE_KEY"'


@pytest.fixture
def mails(mail_room: MailRoom, smtp_server: SmtpServerForTests) -> Notices:
    found = Notices(mail_room.with_settings(smtp_url=SecretStr(smtp_server.url)), TO_OPERATORS)
    found.fire(alert_row("a"))
    found.make()
    return found


@pytest.fixture
def posts(mail_room: MailRoom, webhook: WebhookServer) -> Notices:
    found = Notices(mail_room, to_webhook(webhook.url, SIGNED))
    found.fire(alert_row("a"))
    found.make()
    return found


# Mail


def test_an_operator_is_mailed_in_both_forms(
    mails: Notices, smtp_server: SmtpServerForTests
) -> None:
    assert mails.mail() == {"sent": 1}
    (message,) = smtp_server.messages
    assert smtp_server.recipients == ["operator@example.org"]
    assert message["Subject"] == "Warning: Heat in Cairo"
    assert "List-Unsubscribe" not in message
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "Heat in Cairo: 36.2 °C (at least 35)" in text
        assert "Since Tue 10 Mar, 14:00." in text
        assert "Drink water, and stay in the shade." in text


def test_a_subscriber_can_leave_with_one_click(
    mail_room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    found = Notices(mail_room.with_settings(smtp_url=SecretStr(smtp_server.url)), TO_SUBSCRIBERS)
    mail_room.subscribe("ada@example.org", "Cairo", alerts_from="info")
    found.fire(alert_row("a"))
    found.make()
    assert found.mail() == {"sent": 1}
    (message,) = smtp_server.messages
    assert message["List-ID"] == "Weather alerts <weather-alerts.citywx.example.org>"
    assert "/unsubscribe?token=" in message["List-Unsubscribe"]


def test_words_of_others_are_escaped_in_html(
    mails: Notices, smtp_server: SmtpServerForTests
) -> None:
    mails.fire(alert_row("b", "<b>Oslo</b>", rule="gale"))
    mails.make(LATER)
    mails.mail(LATER)
    html = smtp_server.messages[-1].get_body(("html",))
    assert html is not None
    assert "<b>Oslo" not in html.get_content()


def test_a_server_that_says_later_gets_it_later(
    mails: Notices, smtp_server: SmtpServerForTests
) -> None:
    smtp_server.rcpt_answer = lambda _: "450 4.7.1 greylisted <operator@example.org>"
    assert mails.mail() == {"deferred": 1}
    (row,) = mails.rows()
    assert row.last_error == "450 4.7.1 greylisted <(address)>"
    smtp_server.rcpt_answer = lambda _: "250 OK"
    assert mails.mail() == {}
    assert mails.mail(LATER) == {"sent": 1}


def test_a_server_that_refuses_is_not_asked_again(
    mails: Notices, smtp_server: SmtpServerForTests
) -> None:
    smtp_server.data_answer = lambda _: "554 no"
    assert mails.mail() == {"failed": 1}
    assert mails.mail(LATER) == {}
    assert mails.states() == ["failed"]


def test_a_mailbox_that_does_not_exist_is_not_written_to_again(
    mail_room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    found = Notices(mail_room.with_settings(smtp_url=SecretStr(smtp_server.url)), TO_SUBSCRIBERS)
    mail_room.subscribe("ada@example.org", "Cairo", alerts_from="info")
    found.fire(alert_row("a"))
    found.make()
    smtp_server.rcpt_answer = lambda _: "550 5.1.1 no such user"
    assert found.mail() == {"suppressed": 1}
    with mail_room.engine.connect() as connection:
        assert connection.scalar(select(subscribers.c.suppressed_reason)) is not None
    found.fire(alert_row("b", rule="gale"))
    found.make(LATER)
    assert len(found.rows()) == 1


def test_a_server_that_hangs_up_after_the_mail_gets_it_once_more_and_no_more(
    mails: Notices, smtp_server: SmtpServerForTests
) -> None:
    smtp_server.hang_up_after_data = True
    assert mails.mail() == {"deferred": 1}
    (row,) = mails.rows()
    assert row.uncertain == 1
    assert mails.mail(LATER) == {"unknown": 1}
    assert mails.mail(2 * LATER) == {}
    assert len(smtp_server.messages) == 2
    assert len({message["Message-ID"] for message in smtp_server.messages}) == 1
    assert (mails.rows()[0].state, mails.rows()[0].uncertain) == ("unknown", 2)


def test_a_server_that_hangs_is_given_up_in_time(
    mails: Notices, smtp_server: SmtpServerForTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SmtpTransport.__init__
    monkeypatch.setattr(
        SmtpTransport, "__init__", lambda self, server: real(self, server, timeout=0.3)
    )
    smtp_server.silent_after_data = True
    assert mails.mail() == {"deferred": 1}
    assert mails.rows()[0].uncertain == 1


def test_a_server_that_is_down_costs_no_attempt(mail_room: MailRoom) -> None:
    url = SecretStr(f"smtp://127.0.0.1:{free_port()}")
    found = Notices(mail_room.with_settings(smtp_url=url), TO_OPERATORS)
    found.fire(alert_row("a"))
    found.make()
    with pytest.raises(MailUnavailableError):
        found.mail()
    (row,) = found.rows()
    assert (row.state, row.attempts, row.uncertain) == ("queued", 0, 0)


# Webhooks


def test_a_webhook_can_check_that_a_notice_is_ours(posts: Notices, webhook: WebhookServer) -> None:
    assert posts.post().counts == {"sent": 1}
    (request,) = webhook.received
    stamp = int(request.headers["X-Citywx-Timestamp"])
    assert abs(stamp - time.time()) < 600
    expected = signature("hush", stamp, request.body)
    assert request.headers["X-Citywx-Signature"] == f"sha256={expected}"
    assert request.json["title"] == "Warning: Heat in Cairo"
    assert request.json["alerts"][0]["alert_id"] == "a"
    assert request.json["origin"] == "real"


@pytest.mark.parametrize(
    ("status", "state"),
    [(204, "sent"), (302, "failed"), (400, "failed"), (404, "failed"), (410, "failed")],
)
def test_an_answer_that_settles_it(
    posts: Notices, webhook: WebhookServer, status: int, state: str
) -> None:
    webhook.reply = lambda _: Reply(status, {"Location": f"{webhook.url}/elsewhere"})
    assert posts.post().counts == {state: 1}
    assert posts.post(LATER).counts == {}
    assert [request.path for request in webhook.received] == ["/hook"]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_answer_that_asks_for_patience(
    posts: Notices, webhook: WebhookServer, status: int
) -> None:
    webhook.reply = lambda _: Reply(status)
    first = posts.post()
    assert first.counts == {"deferred": 1}
    assert first.problem == f"the webhook answers {status}"
    assert posts.rows()[0].uncertain == 0
    webhook.reply = lambda _: Reply()
    assert posts.post().counts == {}
    assert posts.post(LATER).counts == {"sent": 1}
    assert len(set(webhook.taken)) == 1


def test_a_webhook_is_left_alone_for_as_long_as_it_asks(
    posts: Notices, webhook: WebhookServer
) -> None:
    webhook.reply = lambda _: Reply(429, {"Retry-After": "1800"})
    assert posts.post().wait == 1800
    webhook.reply = lambda _: Reply()
    assert posts.post(LATER).counts == {}
    assert posts.post(timedelta(minutes=31)).counts == {"sent": 1}


def test_a_webhook_that_is_down_for_ten_minutes_gets_everything_afterwards(
    mail_room: MailRoom,
) -> None:
    port = free_port()
    route = 'group_by = ["city"]\nmost_notices = 100'
    found = Notices(mail_room, to_webhook(f"http://127.0.0.1:{port}/hook", SIGNED, route))
    found.fire(*(alert_row(f"a{n}", f"City {n}") for n in range(30)))
    found.make()
    for minute in range(10):
        sent = found.post(timedelta(minutes=minute, seconds=30))
        assert sent.counts["sent"] == 0
        assert sent.problem == "the webhook cannot be reached"
    with receiving(port) as webhook:
        found.post(timedelta(minutes=15))
        found.post(timedelta(minutes=20))
        assert found.states() == ["sent"] * 30
        assert len(webhook.taken) == len(set(webhook.taken)) == 30
    assert {row.uncertain for row in found.rows()} == {0}


def test_a_webhook_that_hangs_is_given_up_and_may_be_doubled_but_is_counted(
    posts: Notices, webhook: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_module, "_READ_SECONDS", 0.2)
    webhook.reply = lambda _: Reply(seconds=2)
    sent = posts.post()
    assert (sent.counts, sent.problem) == (
        {"deferred": 1},
        "the webhook does not answer in time",
    )
    webhook.reply = lambda _: Reply()
    assert posts.post(LATER).counts == {"sent": 1}
    assert posts.rows()[0].uncertain == 1
    assert len(webhook.taken) == 2
    with posts.room.engine.connect() as connection:
        assert count_by_state(connection, since=NOON) == [("webhook", "sent", 1, 1)]


def test_a_webhook_that_answers_for_ever_is_given_up_in_a_fixed_time(
    webhook: WebhookServer,
) -> None:
    webhook.reply = lambda _: Reply(seconds=5)
    began = time.monotonic()
    request = WebhookRequest(webhook.url, b"{}", "d")
    delivery = WebhookTransport(total_seconds=0.2).send(request)
    assert (delivery.outcome, delivery.stop) == ("unknown", True)
    assert time.monotonic() - began < 5


def test_no_address_of_a_webhook_gets_into_an_error(mail_room: MailRoom) -> None:
    found = Notices(mail_room, to_webhook(f"http://127.0.0.1:{free_port()}/very-secret-path"))
    found.fire(alert_row("a"))
    found.make()
    problem = found.post().problem or ""
    stored = found.rows()[0].last_error
    assert "secret" not in problem + stored
    assert "127.0.0.1" not in problem + stored


# Crashes, and giving up


def test_a_notice_whose_sender_died_is_sent_again_and_counted(
    posts: Notices, webhook: WebhookServer
) -> None:
    with posts.room.engine.begin() as connection:
        connection.execute(update(alert_notifications).values(state="transmitting", attempts=1))
    assert posts.post().counts == {"unknown": 1, "sent": 1}
    (row,) = posts.rows()
    assert (row.state, row.attempts, row.uncertain) == ("sent", 2, 1)
    assert len(webhook.taken) == 1


def test_what_was_settled_long_ago_is_forgotten(posts: Notices, webhook: WebhookServer) -> None:
    late = NOON + timedelta(days=91)
    assert forget_old(posts.room.engine, late) == 0
    posts.post()
    assert forget_old(posts.room.engine, NOON + timedelta(days=89)) == 0
    assert forget_old(posts.room.engine, late) == 1
    assert len(webhook.received) == 1


def test_what_nobody_took_for_a_day_has_failed_for_all_to_see(
    posts: Notices, webhook: WebhookServer
) -> None:
    webhook.reply = lambda _: Reply(503)
    posts.post()
    assert give_up_late(posts.room.engine, NOON + timedelta(hours=23)) == 0
    assert give_up_late(posts.room.engine, NOON + timedelta(hours=25)) == 1
    (row,) = posts.rows()
    assert row.state == "failed"
    assert row.last_error == "could not be delivered within 24 hours: the webhook answers 503"
    assert posts.post(WAIT + timedelta(hours=26)).counts == {}
