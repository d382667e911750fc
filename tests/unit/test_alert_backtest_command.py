"""`citywx alerts backtest` over a file of readings."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from citywx.cli import app

RULES = """
[[rule]]
id = "warm"
metric = "temperature_c"
above = 23
clear = 22
severity = "info"
message = "Warm"

[[rule]]
id = "silence"
silent_for = "5h"
severity = "warning"
message = "No readings"
"""
HEADER = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather"


FIRST = datetime(2013, 1, 1, tzinfo=UTC)


def temperature(hours: int) -> float:
    return 16 + hours / 480 + (6 if 10 <= hours % 24 < 16 else 0)


LINES = [
    f"{FIRST + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ},{city},{temperature(hours)},,,,"
    for hours in range(50 * 24)
    for city in ("Denver", "Miami")
]

Ask = Callable[..., Result]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    rules, data = tmp_path / "rules.toml", tmp_path / "data.csv"
    rules.write_text(RULES)
    data.write_text("\n".join([HEADER, *LINES, "2013-01-01T00:00:00Z,Denver,warm,,,,", ""]))

    def run(*more: str, data: Path = data) -> Result:
        given = ["alerts", "backtest", "--file", str(rules), "--data", str(data)]
        return CliRunner().invoke(app, [*given, *more])

    return run


def body(result: Result) -> Any:  # noqa: ANN401 - JSON
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_people_read_how_often_each_rule_fired(ask: Ask) -> None:
    told = ask()
    assert told.exit_code == 0
    assert "2,400 readings of 2 cities, 2013-01-01 to 2013-02-19" in told.stdout
    assert "1 line of the file could not be read" in told.stdout
    assert "warm: temperature_c above 23 °C" in told.stdout
    assert "60 alerts in 2 cities" in told.stdout
    assert "half of them longer than 6 h" in told.stdout
    assert "2013-01 2013-02" in told.stdout
    assert "silence: no reading for" in told.stdout
    assert "never fired" in told.stdout


def test_machines_read_every_alert(ask: Ask) -> None:
    warm = body(ask("--rule", "warm", "--json"))["rules"]
    assert [rule["id"] for rule in warm] == ["warm"]
    assert warm[0]["alerts"] == len(warm[0]["firings"]) == 60
    assert sum(month["alerts"] for month in warm[0]["by_month"]) == 60
    assert warm[0]["firings"][0]["started_at"] == "2013-01-21T10:00:00Z"
    assert warm[0]["proposal"] is None


def test_days_and_cities_are_chosen(ask: Ask) -> None:
    found = body(ask("--from", "2013-01-05", "--to", "2013-01-06", "--cities", "Den*", "--json"))
    assert found["cities"] == {
        "Denver": {
            "first": "2013-01-05T00:00:00Z",
            "last": "2013-01-06T23:00:00Z",
            "readings": 48,
        }
    }


def test_a_level_for_a_wanted_rate_is_proposed(ask: Ask) -> None:
    told = ask("--propose", "10")
    assert "for 10 alerts a city a month: above = " in told.stdout
    (warm, silence) = body(ask("--propose", "10", "--json"))["rules"]
    (level,) = warm["proposal"]["levels"]
    assert level["limit"] - level["clear"] == pytest.approx(1)
    assert warm["proposal"]["per_city_month"] == pytest.approx(10, abs=1)
    assert silence["proposal"] is None


def test_lines_in_any_order_and_compressed_say_the_same(ask: Ask, tmp_path: Path) -> None:
    shuffled = tmp_path / "shuffled.csv.gz"
    shuffled.write_bytes(gzip.compress("\n".join([HEADER, *reversed(LINES), ""]).encode()))
    one, other = body(ask("--json")), body(ask("--json", data=shuffled))
    assert one["rules"] == other["rules"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--rule", "rain"], "no rule is called 'rain'; there are warm, silence"),
        (["--from", "2013-03-01", "--to", "2013-02-01"], "--to must not be before --from"),
        (["--cities", "Lima"], "has no reading of these cities and days"),
        (["--file", "nowhere.toml"], "nowhere.toml: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_one_line(ask: Ask, more: list[str], said: str) -> None:
    told = ask(*more)
    assert told.exit_code == 2
    assert said in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"x" * 5000)[:30]], ids=["no gzip", "torn"]
)
def test_a_damaged_file_is_named(ask: Ask, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.csv.gz"
    path.write_bytes(content)
    told = ask(data=path)
    assert told.exit_code == 2
    assert "broken.csv.gz cannot be read" in told.stderr
