"""The notifier as a process: it sends, survives a kill, and never sends twice."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citywx.mail.folder import list_mails
from tests.support.mail import MailRoom, add_readings
from tests.support.smtp import SmtpServerForTests

pytestmark = pytest.mark.integration
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
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DATA_DIR": str(room.settings.data_dir),
        "HOME_NAME": "test",
        "DATABASE_URL": room.engine.url.set(drivername="postgresql").render_as_string(
            hide_password=False
        ),
        "SECRET_KEY": "not-so-secret-in-tests",
        "MAIL_FROM": "citywx <citywx@example.org>",
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
