"""`citywx subscribers`, as it is typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mail import MailRoom

pytestmark = pytest.mark.integration
_CITYWX = "from citywx.cli import app; app()"


def citywx(
    room: MailRoom, *arguments: str, url: str | None = None
) -> subprocess.CompletedProcess[str]:
    address = room.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run(
        [sys.executable, "-c", _CITYWX, "subscribers", *arguments],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": url or address},
        cwd=room.home.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_file_is_imported_and_comes_out_again(mail_room: MailRoom, tmp_path: Path) -> None:
    file = tmp_path / "subscribers.csv"
    file.write_text("\ufeffemail,cities\nada@example.org,Cairo;Oslo\nnobody,Cairo\n", "utf-8")
    imported = citywx(mail_room, "import", str(file))
    assert imported.returncode == 0, imported.stderr
    assert "1 added" in imported.stdout
    assert "line 3:" in imported.stdout
    assert "ada@example.org,Cairo;Oslo,pending," in citywx(mail_room, "export").stdout


def test_mistakes_are_told_in_one_line(mail_room: MailRoom, tmp_path: Path) -> None:
    absent = citywx(mail_room, "import", str(tmp_path / "absent.csv"))
    assert absent.returncode == 2
    assert absent.stderr.count("\n") == 1
    down = citywx(mail_room, "export", url="postgresql://nobody:canary@127.0.0.1:1/none")
    assert down.returncode == 1
    assert "make up" in down.stderr
    assert "canary" not in down.stderr
