"""Mails from the queue to a real SMTP server: each outcome, each state."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from citywx import subscriptions
from citywx.mail.daily import send_daily_summaries, send_left_behind
from citywx.mail.folder import list_mails
from citywx.mail.outbox import send_outbox
from citywx.mail.queue import LEDGER, OUTBOX, begin_transmitting, mark_unknown, next_due
from citywx.mail.transport import MailUnavailableError
from citywx.warehouse.tables import subscribers
from tests.support.mail import NOW, MailRoom, add_readings, token_in
from tests.support.ports import free_port
from tests.support.smtp import SmtpServerForTests

pytestmark = pytest.mark.integration
MINUTE = timedelta(minutes=1)


@pytest.fixture
def room(mail_room: MailRoom, smtp_server: SmtpServerForTests) -> MailRoom:
    """A mail room that speaks SMTP."""
    return mail_room.with_settings(smtp_url=SecretStr(smtp_server.url))


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_subscribing_by_the_links_in_the_mails_gives_one_welcome_and_one_summary(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    add_readings(room.engine, "Cairo")
    room.request("ada@example.org", "Cairo")
    room.request("never@example.org", "Cairo")
    assert send_outbox(room.engine, room.settings, room.home, now=NOW) == {"sent": 2}
    confirmation = smtp_server.messages[0]
    assert "light rain" in text_of(confirmation)

    link = next(line for line in text_of(confirmation).splitlines() if "/confirm?" in line)
    subscriptions.confirm(room.engine, room.settings, token_in(link), now=NOW)
    for _ in range(2):
        send_outbox(room.engine, room.settings, room.home, now=NOW)
        send_daily_summaries(room.engine, room.settings, room.home, now=NOW)

    assert smtp_server.recipients.count("never@example.org") == 1
    assert smtp_server.recipients.count("ada@example.org") == 3
    _, _, welcome, summary = smtp_server.messages
    assert "Welcome" in welcome["Subject"]
    assert "List-Unsubscribe" not in welcome
    assert "/unsubscribe?" in text_of(welcome)
    assert "/unsubscribe?" not in text_of(confirmation)
    assert summary["Subject"].startswith("Cairo: 19.0 °C, light rain")
    assert summary["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    one_click = token_in(summary["List-Unsubscribe"].strip("<>"))
    subscriptions.unsubscribe(room.engine, room.settings, one_click, now=NOW)
    later = send_daily_summaries(room.engine, room.settings, room.home, now=NOW + 1440 * MINUTE)
    assert later.sent == 0


def test_runs_at_once_send_each_summary_once(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    for number in range(20):
        room.subscribe(f"a{number}@example.org")
    with ThreadPoolExecutor(3) as pool:
        runs = [
            pool.submit(send_daily_summaries, room.engine, room.settings, room.home, now=NOW)
            for _ in range(3)
        ]
    assert sum(run.result().sent for run in runs) == 20
    assert sorted(smtp_server.recipients) == sorted(f"a{n}@example.org" for n in range(20))
    assert {row.state for row in room.ledger()} == {"sent"}


def test_one_connection_carries_all_mails_of_a_batch(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    for number in range(5):
        room.subscribe(f"a{number}@example.org")
    send_daily_summaries(room.engine, room.settings, room.home, now=NOW)
    assert len(smtp_server.messages) == 5
    assert len(smtp_server.connections) == 1


def test_a_greylisted_mail_is_deferred_and_sent_later(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    room.subscribe("ada@example.org")
    room.subscribe("eve@example.org")
    smtp_server.rcpt_answer = lambda address: (
        "450 4.7.1 come back later" if address.startswith("ada") else "250 OK"
    )
    run = send_daily_summaries(room.engine, room.settings, room.home, now=NOW)
    assert run.states == {"deferred": 1, "sent": 1}
    smtp_server.rcpt_answer = lambda _address: "250 OK"
    early = send_left_behind(room.engine, room.settings, room.home, now=NOW)
    assert not early
    later = send_left_behind(room.engine, room.settings, room.home, now=NOW + 2 * MINUTE)
    assert later == {"sent": 1}


def test_deferring_for_ever_ends_as_failed(room: MailRoom, smtp_server: SmtpServerForTests) -> None:
    smtp_server.rcpt_answer = lambda _address: "451 4.3.0 not today"
    room.request("ada@example.org")
    now, tries = NOW, 0
    while room.outbox()[0].state in {"queued", "deferred"}:
        send_outbox(room.engine, room.settings, room.home, now=now)
        now, tries = now + timedelta(hours=5), tries + 1
        assert tries < 20
    assert room.outbox()[0].state == "failed"
    assert room.outbox()[0].attempts == 8


def test_no_such_mailbox_is_suppressed_for_summaries(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    room.subscribe("ada@example.org")
    room.subscribe("eve@example.org")
    smtp_server.rcpt_answer = lambda address: (
        "550 5.1.1 no such user" if address.startswith("ada") else "250 OK"
    )
    run = send_daily_summaries(room.engine, room.settings, room.home, now=NOW)
    assert run.states == {"suppressed": 1, "sent": 1}
    tomorrow = NOW + 1440 * MINUTE
    assert send_daily_summaries(room.engine, room.settings, room.home, now=tomorrow).states == {
        "sent": 1
    }
    with room.engine.connect() as connection:
        reasons = connection.scalars(select(subscribers.c.suppressed_reason)).all()
    assert sorted(map(str, reasons)) == ["550 5.1.1 no such user", "None"]


def test_a_refusal_by_policy_pauses_the_run(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    for number in range(3):
        room.subscribe(f"a{number}@example.org")
    smtp_server.data_answer = lambda _address: "554 5.7.1 blocked"
    run = send_daily_summaries(room.engine, room.settings, room.home, now=NOW)
    assert run.states == {"failed": 1, "queued": 2}


def test_a_connection_lost_after_the_mail_leaves_it_unknown_and_is_not_tried_again(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    room.subscribe("ada@example.org")
    smtp_server.hang_up_after_data = True
    run = send_daily_summaries(room.engine, room.settings, room.home, now=NOW)
    assert run.states == {"unknown": 1}
    smtp_server.hang_up_after_data = False
    for _ in range(2):
        send_daily_summaries(room.engine, room.settings, room.home, now=NOW)
    send_left_behind(room.engine, room.settings, room.home, now=NOW + 60 * MINUTE)
    assert len(smtp_server.messages) == 1
    assert room.ledger()[0].last_error.startswith("no answer after the mail")


def test_a_server_that_is_down_leaves_mails_queued(mail_room: MailRoom) -> None:
    room = mail_room.with_settings(smtp_url=SecretStr(f"smtp://127.0.0.1:{free_port()}"))
    room.subscribe("ada@example.org")
    run = send_daily_summaries(room.engine, room.settings, room.home, now=NOW)
    assert run.states == {"queued": 1}
    assert run.problem is not None
    with pytest.raises(MailUnavailableError):
        send_outbox(room.engine, room.settings, room.home, now=NOW)
    assert [row.attempts for row in room.outbox()] == [0, 0]


def test_a_server_without_starttls_gets_nothing(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    url = smtp_server.url.replace("smtp://", "smtp+starttls://user:p%40ss@")
    stripped = room.with_settings(smtp_url=SecretStr(url))
    stripped.subscribe("ada@example.org")
    run = send_daily_summaries(stripped.engine, stripped.settings, stripped.home, now=NOW)
    assert run.states == {"queued": 1}
    assert "protection" in str(run.problem)
    assert smtp_server.messages == []


def test_a_login_that_the_server_refuses_stops_the_run_and_blames_nobody(
    room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    url = smtp_server.url.replace("smtp://", "smtp://user:p%40ss@")
    refused = room.with_settings(smtp_url=SecretStr(url))
    refused.subscribe("ada@example.org")
    run = send_daily_summaries(refused.engine, refused.settings, refused.home, now=NOW)
    assert run.states == {"queued": 1}
    assert "p@ss" not in str(run.problem)


def test_a_mail_whose_sender_died_becomes_unknown(mail_room: MailRoom) -> None:
    mail_room.request("ada@example.org")
    with mail_room.engine.connect() as sender, mail_room.engine.connect() as other:
        row = next_due(sender, OUTBOX, now=NOW)
        assert row is not None
        assert begin_transmitting(sender, OUTBOX, row)
        assert mark_unknown(other, OUTBOX) == 0  # its sender lives
        assert next_due(other, OUTBOX, now=NOW) is None
        sender.invalidate()  # as the death of its process does
        assert mark_unknown(other, OUTBOX) == 1
    assert mail_room.outbox()[0].state == "unknown"
    assert not send_outbox(mail_room.engine, mail_room.settings, mail_room.home, now=NOW)


def test_yesterdays_summary_is_not_sent_today(mail_room: MailRoom) -> None:
    room = mail_room.with_settings(smtp_url=SecretStr(f"smtp://127.0.0.1:{free_port()}"))
    room.subscribe("ada@example.org")
    send_daily_summaries(room.engine, room.settings, room.home, now=NOW)
    tomorrow = NOW + 1440 * MINUTE
    run = send_daily_summaries(mail_room.engine, mail_room.settings, mail_room.home, now=tomorrow)
    assert run.sent == 1
    assert sorted(row.state for row in room.ledger()) == ["failed", "sent"]


def test_without_smtp_mails_are_private_files(mail_room: MailRoom) -> None:
    mail_room.subscribe("ada@example.org")
    send_daily_summaries(mail_room.engine, mail_room.settings, mail_room.home, now=NOW)
    send_outbox(mail_room.engine, mail_room.settings, mail_room.home, now=NOW + MINUTE)
    welcome, summary = list_mails(mail_room.home.mail)
    assert welcome.subject.startswith("Welcome")
    assert summary.to == "ada@example.org"
    assert "There are no readings of Cairo yet." in summary.text
    assert "There are no readings of Cairo yet." in summary.html
    assert summary.path.stat().st_mode & 0o077 == 0
    assert {row.state for row in mail_room.ledger()} == {"sent"}
    assert LEDGER.table.name == "email_ledger"
