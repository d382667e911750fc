"""`citywx alerts silence`, `silences`, `acknowledge` and `test-notice`, as they are typed."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citywx.notices.deliveries import send_notice_mails
from tests.support.alert_rows import alert_row
from tests.support.mail import MailRoom
from tests.support.notices import TO_OPERATORS, TO_SUBSCRIBERS, Notices

pytestmark = pytest.mark.integration
_CITYWX = "from citywx.cli import app; app()"


def citywx(room: MailRoom, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    address = room.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run(
        [sys.executable, "-c", _CITYWX, "alerts", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "DATABASE_URL": address,
            "DATA_DIR": str(room.settings.data_dir),
            "HOME_NAME": "test",
            **settings,
        },
        cwd=room.home.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_silence_is_made_listed_and_ended(mail_room: MailRoom) -> None:
    said = ("--rule", "heat", "--city", "Lon*", "--severity", "warning", "--author", "ada")
    made = citywx(mail_room, "silence", *said, "--for", "2h", "--reason", "roof works")
    assert (made.returncode, made.stdout) == (0, "silence 1\n"), made.stderr
    (listed,) = json.loads(citywx(mail_room, "silences", "--json").stdout)
    lasts = datetime.fromisoformat(listed["ends_at"]) - datetime.fromisoformat(listed["starts_at"])
    assert lasts == timedelta(hours=2)
    line = citywx(mail_room, "silences").stdout
    assert line.startswith("1: rule heat, city Lon*, up to warning, ")
    assert line.endswith("by ada: roof works\n")
    assert citywx(mail_room, "unsilence", "1").returncode == 0
    assert citywx(mail_room, "silences").stdout == "no silences\n"
    assert citywx(mail_room, "silences", "--all").stdout.startswith("1: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("silence", "--reason", "x"), "give either --for or --until"),
        (("silence", "--reason", "x", "--for", "soon"), "must be a time such as"),
        (("silence", "--reason", "x", "--until", "2001-01-01T00:00"), "must end after"),
        (("unsilence", "7"), "there is no silence 7"),
        (("acknowledge", "nothing"), "no alert nothing is firing"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    mail_room: MailRoom, arguments: tuple[str, ...], words: str
) -> None:
    found = citywx(mail_room, *arguments)
    assert found.returncode == 2
    assert words in found.stderr
    assert found.stderr.count("\n") == 1


def test_an_alert_is_acknowledged_once(mail_room: MailRoom) -> None:
    Notices(mail_room, TO_OPERATORS).fire(alert_row("a"))
    assert citywx(mail_room, "acknowledge", "a", "--author", "ada").stdout == "acknowledged\n"
    assert citywx(mail_room, "acknowledge", "a").stdout == "was acknowledged already\n"


def test_a_test_notice_says_what_became_of_it(mail_room: MailRoom) -> None:
    path = mail_room.home.path / "notices.toml"
    path.write_text(TO_OPERATORS, "utf-8")
    waiting = citywx(mail_room, "test-notice", "--seconds", "0", ALERT_ROUTES=str(path))
    assert waiting.returncode == 1
    expected = "operators (operator@example.org): queued; does the notifier run?\n"
    assert waiting.stdout == expected
    now = datetime.now(UTC) + timedelta(seconds=1)
    sent = send_notice_mails(mail_room.engine, mail_room.settings, mail_room.home, now=now)
    assert sent == {"sent": 1}
    path.write_text(TO_SUBSCRIBERS, "utf-8")
    nobody = citywx(mail_room, "test-notice", ALERT_ROUTES=str(path))
    assert (nobody.returncode, nobody.stderr.count("\n")) == (2, 1)
    assert "no receivers but subscribers" in nobody.stderr
