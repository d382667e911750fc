"""The notifier as a process: it sends, survives a kill, and never sends twice."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from citywx.local_stack.broker import USER
from citywx.mail.folder import list_mails
from streaming.broker import Broker, Message
from streaming.mqtt import Connection
from tests.support.alert_rows import alert_row
from tests.support.mail import MailRoom, add_readings
from tests.support.mosquitto import PASSWORD, BrokerServer
from tests.support.notices import TO_OPERATORS, Notices, to_webhook
from tests.support.smtp import SmtpServerForTests
from tests.support.webhooks import Reply, WebhookServer

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
_SECONDS = 20.0


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def notifier(room: MailRoom, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process, ended when the block is left."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(room.settings.data_dir),
        "HOME_NAME": "test",
        "DATABASE_URL": room.engine.url.set(drivername="postgresql").render_as_string(
            hide_password=False
        ),
        "SECRET_KEY": "not-so-secret-in-tests",
        "MAIL_FROM": "citywx <citywx@example.org>",
        "ALERT_ROUTES": str(ROOT / "notices.toml"),
        **settings,
    }
    log = room.home.path / "notifier.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "streaming.notifier"],
            env=environment,
            cwd=room.home.path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def test_it_sends_what_is_queued_and_ends_cleanly(mail_room: MailRoom) -> None:
    add_readings(mail_room.engine, "Cairo")
    mail_room.request("ada@example.org", now=datetime.now(UTC))
    with notifier(mail_room) as process:
        wait_until(lambda: mail_room.outbox()[0].state == "sent")
        process.terminate()
        assert process.wait(5) == 0
    (mail,) = list_mails(mail_room.home.mail)
    assert "/confirm?token=" in mail.text
    log = (mail_room.home.path / "notifier.log").read_text()
    assert "ada@example.org" not in log
    assert "not-so-secret-in-tests" not in log


def test_a_kill_while_the_server_thinks_leaves_the_mail_unknown_and_unrepeated(
    mail_room: MailRoom, smtp_server: SmtpServerForTests
) -> None:
    now = datetime.now(UTC)
    mail_room.request("ada@example.org", now=now)
    smtp_server.silent_after_data = True
    with notifier(mail_room, SMTP_URL=smtp_server.url) as process:
        wait_until(lambda: len(smtp_server.messages) == 1)
        assert mail_room.outbox()[0].state == "transmitting"
        process.kill()
        process.wait(10)
    smtp_server.silent_after_data = False
    mail_room.request("eve@example.org", now=now)
    with notifier(mail_room, SMTP_URL=smtp_server.url):
        wait_until(lambda: {row.state for row in mail_room.outbox()} == {"unknown", "sent"})
    assert smtp_server.recipients == ["ada@example.org", "eve@example.org"]


def test_it_waits_for_a_database_that_is_not_there(mail_room: MailRoom) -> None:
    with notifier(mail_room, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none") as process:
        about = mail_room.home.run / "notifier.json"
        wait_until(about.exists)
        log = mail_room.home.path / "notifier.log"
        wait_until(lambda: "waiting for the database" in log.read_text())
        process.terminate()
        assert process.wait(5) == 0


def test_a_database_that_is_not_set_is_one_line_and_exit_code_2(mail_room: MailRoom) -> None:
    with notifier(mail_room, DATABASE_URL="") as process:
        assert process.wait(_SECONDS) == 2
    assert "Traceback" not in (mail_room.home.path / "notifier.log").read_text()


# Notices about alerts

SIGNED = 'secret_env = "NOTICE_KEY"'
BROKER = """
[[receiver]]
name = "broker"
type = "mqtt"

[[route]]
name = "broker"
receivers = ["broker"]
"""
AT_ONCE = 'group_by = ["city"]\ngroup_wait = "0s"\nmost_notices = 1000'
TO_OPERATORS_AT_ONCE = f"{TO_OPERATORS}\n{AT_ONCE}"


def routes(room: MailRoom, text: str) -> str:
    path = room.home.path / "notices.toml"
    path.write_text(text, "utf-8")
    return str(path)


def log_of(room: MailRoom) -> str:
    return (room.home.path / "notifier.log").read_text()


def test_an_alert_reaches_a_mailbox_and_a_webhook(
    mail_room: MailRoom, smtp_server: SmtpServerForTests, webhook: WebhookServer
) -> None:
    found = Notices(mail_room, to_webhook(webhook.url, SIGNED, AT_ONCE) + TO_OPERATORS_AT_ONCE)
    path = routes(mail_room, found.text)
    settings = {"ALERT_ROUTES": path, "SMTP_URL": smtp_server.url, "NOTICE_KEY": "hush"}
    with notifier(mail_room, **settings) as process:
        found.fire(alert_row("a", at=datetime.now(UTC)))
        wait_until(lambda: found.states() == ["sent", "sent"])
        about = json.loads((mail_room.home.run / "notifier.json").read_text())
        metrics = requests.get(f"http://127.0.0.1:{about['metrics_port']}/metrics", timeout=5).text
        assert "citywx_notices_total 2.0" in metrics
        process.terminate()
        assert process.wait(5) == 0
    assert len(webhook.received) == len(smtp_server.messages) == 1
    assert "hush" not in log_of(mail_room)
    assert webhook.url not in log_of(mail_room)


def test_a_webhook_that_hangs_holds_up_neither_mails_nor_the_end(
    mail_room: MailRoom, smtp_server: SmtpServerForTests, webhook: WebhookServer
) -> None:
    webhook.reply = lambda _: Reply(seconds=60)
    found = Notices(mail_room, to_webhook(webhook.url, SIGNED, AT_ONCE) + TO_OPERATORS_AT_ONCE)
    path = routes(mail_room, found.text)
    settings = {"ALERT_ROUTES": path, "SMTP_URL": smtp_server.url, "NOTICE_KEY": "hush"}
    with notifier(mail_room, **settings) as process:
        found.fire(alert_row("a", at=datetime.now(UTC)))
        wait_until(lambda: len(webhook.received) == 1)
        found.fire(alert_row("b", "Oslo", at=datetime.now(UTC)))
        wait_until(lambda: len(smtp_server.messages) == 2)
        process.terminate()
        assert process.wait(5) == 0
    webhook.reply = lambda _: Reply()
    with notifier(mail_room, **settings):
        wait_until(lambda: found.states() == ["sent"] * 4)
    assert max(row.uncertain for row in found.rows()) == 1


def test_new_routes_count_at_once_and_wrong_ones_change_nothing(
    mail_room: MailRoom, webhook: WebhookServer
) -> None:
    found = Notices(mail_room, to_webhook(webhook.url, SIGNED, AT_ONCE))
    path = routes(mail_room, "")
    with notifier(mail_room, ALERT_ROUTES=path, NOTICE_KEY="hush") as process:
        wait_until(lambda: "0 routes from" in log_of(mail_room))
        routes(mail_room, found.text)
        wait_until(lambda: "now 1 routes" in log_of(mail_room))
        routes(mail_room, "nonsense")
        wait_until(lambda: "the routes stay as they were" in log_of(mail_room))
        found.fire(alert_row("a", at=datetime.now(UTC)))
        wait_until(lambda: found.states() == ["sent"])
        assert process.poll() is None


def test_wrong_routes_at_the_start_are_one_line_and_exit_code_2(mail_room: MailRoom) -> None:
    with notifier(mail_room, ALERT_ROUTES=routes(mail_room, "[smtp]")) as process:
        assert process.wait(_SECONDS) == 2
    assert "'smtp' is unknown" in log_of(mail_room)
    assert "Traceback" not in log_of(mail_room)


def test_a_notice_is_published_once_the_broker_is_there(
    mail_room: MailRoom, mosquitto: BrokerServer
) -> None:
    found = Notices(mail_room, f"{BROKER}\n{AT_ONCE}")
    path = routes(mail_room, found.text)
    mosquitto.stop()
    with notifier(mail_room, ALERT_ROUTES=path, MQTT_URL=mosquitto.url):
        found.fire(alert_row("a", at=datetime.now(UTC)))
        wait_until(lambda: "the broker cannot be reached" in log_of(mail_room))
        assert found.states() == ["queued"]
        mosquitto.start()
        broker = Broker("127.0.0.1", mosquitto.port, USER, PASSWORD)
        listener = Connection(broker, "listener", subscriptions=("weather/notices",))
        messages: list[Message] = []

        def heard() -> bool:
            listener.wait(0.05)
            messages.extend(listener.messages())
            return bool(messages)

        wait_until(lambda: listener.wait(0.05) or listener.ready)
        wait_until(heard)
        listener.close()
        wait_until(lambda: found.states() == ["sent"])
    assert json.loads(messages[0].payload)["title"] == "Warning: Heat in Cairo"


def test_a_receiver_on_a_broker_that_is_not_set_is_exit_code_2(mail_room: MailRoom) -> None:
    with notifier(mail_room, ALERT_ROUTES=routes(mail_room, BROKER)) as process:
        assert process.wait(_SECONDS) == 2
    assert "MQTT_URL is not set" in log_of(mail_room)
