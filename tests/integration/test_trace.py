"""From a flagged reading to its lines in the log: `citywx trace`."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from citywx.cli import app
from citywx.settings import Settings
from citywx.trace_command import UnknownFlagError, asked_for, lines_about
from citywx.warehouse.clean import clean_days
from citywx.warehouse.load import load_log
from citywx.warehouse.trace import trace

pytestmark = pytest.mark.integration

DAY = date(2026, 3, 1)
LINES = (
    "2026-03-01T00:00:00Z,Oslo,10,50,1010,3,clear\n",
    "2026-03-01T01:00:00Z,Oslo,99,50,1010,3,clear\n",
    "2026-03-01T02:00:00Z,Oslo,11,50,1010,3,clear\n",
)


@pytest.fixture
def log(engine: Engine, tmp_path: Path) -> Path:
    path = tmp_path / "readings.csv"
    path.write_text("".join(LINES))
    load_log(engine, path, earliest=datetime(2010, 1, 1, tzinfo=UTC))
    clean_days(engine, [DAY], settings=Settings(_env_file=None))
    return path


def test_a_flagged_reading_shows_its_reason_and_its_line(engine: Engine, log: Path) -> None:
    with engine.connect() as connection:
        (found,) = trace(connection, asked_for(None, None, "TEMPERATURE_RANGE", 20))
    lines = list(lines_about(found, log))
    assert lines[0].startswith("Oslo, 2026-03-01T01:00:00Z: 99 °C")
    assert lines[0].endswith("fail")
    assert any("outside anything ever measured" in line for line in lines)
    assert lines[-1].endswith(LINES[1].strip())
    assert f"@{len(LINES[0])} of csv" in lines[-1]


def test_without_its_segment_the_loaded_values_are_shown(engine: Engine, log: Path) -> None:
    log.unlink()
    with engine.connect() as connection:
        found = list(trace(connection, asked_for("Oslo", DAY, None, 2)))
    assert [one.timestamp.hour for one in found] == [2, 1]
    assert list(lines_about(found[0], log))[-1].endswith("clear (its segment is deleted)")


def test_a_file_that_took_its_segments_place_is_not_read(engine: Engine, log: Path) -> None:
    log.write_text("".join(reversed(LINES)))
    with engine.connect() as connection:
        (found,) = trace(connection, asked_for("Oslo", DAY, None, 1))
    assert list(lines_about(found, log))[-1].endswith("clear (its segment is deleted)")


def test_nothing_in_a_line_acts_on_the_terminal(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    header = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather,source,fetched_at,x"
    path.write_text(f"{header}\n2026-03-01T00:00:00Z,Oslo,10,50,1010,3,clear,csv,,\x1b[2J\x9b\r\n")
    load_log(engine, path, earliest=datetime(2010, 1, 1, tzinfo=UTC))
    clean_days(engine, [DAY], settings=Settings(_env_file=None))
    with engine.connect() as connection:
        (found,) = trace(connection, asked_for("Oslo", DAY, None, 1))
    assert list(lines_about(found, path))[-1].endswith(r"clear,csv,,\x1b[2J\x9b")


def test_a_flag_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownFlagError, match="NO_SUCH"):
        asked_for(None, None, "NO_SUCH", 20)


def test_the_command_prints_json(
    database_url: str, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("READINGS_CSV", str(log))
    result = CliRunner().invoke(app, ["trace", "Oslo", "--day", "2026-03-01", "--json"])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert [one["values"]["temperature_c"] for one in shown] == [11.0, 99.0, 10.0]
    assert shown[1]["raw"][0]["offset"] == len(LINES[0])
