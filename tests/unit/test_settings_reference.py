"""`.env.example` and the table of settings say what the settings are."""

from pathlib import Path

import pytest

from citywx.settings import Settings
from citywx.settings_reference import ENV_EXAMPLE, TABLE, env_example, table

PROJECT = Path(__file__).resolve().parents[2]


def test_the_example_file_holds_every_setting_with_its_description() -> None:
    assert (PROJECT / ENV_EXAMPLE).read_text("utf-8") == env_example(), "run `make docs`"


def test_the_table_holds_every_setting_with_its_description() -> None:
    assert (PROJECT / TABLE).read_text("utf-8") == table(), "run `make docs`"


def test_every_setting_has_a_description() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_with_its_comments_taken_off_gives_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    lines = env_example().splitlines()
    names = tuple(f"{name.upper()}=" for name in Settings.model_fields)
    settings = [line[2:] for line in lines if line[2:].startswith(names)]
    (tmp_path / ".env").write_text("\n".join(settings), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert len(settings) == len(Settings.model_fields)
    assert Settings.load() == Settings.model_construct()
