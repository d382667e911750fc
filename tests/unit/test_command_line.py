"""The command line as a whole: documented, quick to answer, plain about mistakes."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from citywx.cli import app
from citywx.env_file import SECRETS
from citywx.home import Home
from citywx.local_stack.screen import masked
from citywx.settings import Settings, WeatherSource

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[str]:
    group = typer.main.get_command(app)
    return sorted(group.commands)


def test_every_command_stands_in_the_readme() -> None:
    text = (PROJECT / "README.md").read_text("utf-8")
    assert [name for name in commands() if f"citywx {name}" not in text] == []


def test_every_make_target_is_listed_by_bare_make() -> None:
    targets = re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)
    listed = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert [name for name in targets if f"make {name} " not in listed.stdout] == []


def test_help_loads_no_module_of_any_command() -> None:
    code = (
        "import sys, citywx.cli\n"
        "heavy = [n for n in ('pydantic', 'sqlalchemy', 'pandas', 'dagster') if n in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)


@pytest.mark.parametrize("command", ["status", "down", "reset"])
def test_without_a_home_commands_say_how_to_start_one(command: str) -> None:
    result = CliRunner().invoke(app, [command])
    assert result.exit_code == 2
    assert "make up" in result.stderr


def test_a_malformed_setting_is_one_line_and_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_SECONDS", "often")
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "POLL_SECONDS" in result.stderr


def test_status_of_a_stopped_home_is_not_ready(empty_folder: Path) -> None:
    settings = Settings.load()
    Home.named(settings, "real").claim(settings, WeatherSource.OPEN_METEO)
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 1
    assert "not running" in result.stdout
    assert str(empty_folder) in result.stdout


def test_env_writes_random_secrets_for_the_owner_alone_and_never_again(empty_folder: Path) -> None:
    assert CliRunner().invoke(app, ["env"]).exit_code == 0
    file = empty_folder / ".env"
    written = file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(set(re.findall(r"=([0-9a-f]{64})$", written, re.MULTILINE))) == len(SECRETS)
    assert Settings.load().mqtt_bridge_password is not None
    again = CliRunner().invoke(app, ["env"])
    assert again.exit_code == 2
    assert file.read_text("utf-8") == written


def test_reset_asks_and_deletes_the_home_and_what_remembers_it(empty_folder: Path) -> None:
    settings = Settings.load()
    home = Home.named(settings, "simulated")
    home.claim(settings, WeatherSource.SIMULATE)
    (empty_folder / ".citywx" / "auto").write_text("simulated\n", "utf-8")
    refused = CliRunner().invoke(app, ["reset"], input="n\n")
    assert refused.exit_code == 1
    assert str(home.path) in refused.stdout
    assert home.path.is_dir()
    assert CliRunner().invoke(app, ["reset", "--yes"]).exit_code == 0
    assert list((empty_folder / ".citywx").iterdir()) == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://citywx:p%40ss@127.0.0.1:5432/citywx", "postgresql://citywx:***@127.0.0.1"),
        ("smtps://me:secret@mail.example:465", "smtps://me:***@mail.example:465"),
        ("http://127.0.0.1:8501", "http://127.0.0.1:8501"),
    ],
)
def test_passwords_are_masked_on_the_screen(url: str, shown: str) -> None:
    assert masked(url).startswith(shown)
    assert "secret" not in masked(url)
    assert "p%40ss" not in masked(url)
