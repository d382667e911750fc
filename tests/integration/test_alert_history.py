"""The cleaned history as the alerter would have seen it, and rules tried on it."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, update
from typer.testing import CliRunner

from citywx.cli import app
from citywx.warehouse.alert_history import Period, history_span, read_history
from citywx.warehouse.cities import save_city
from citywx.warehouse.tables import weather_readings
from citywx.weather.alerting.backtest import run_backtest
from citywx.weather.alerting.definitions import parse_definitions
from citywx.weather.city import City
from citywx.weather.quality.flags import QcFlag
from citywx.weather.reading import ARCHIVE_SOURCE, Reading
from tests.support.warehouse_rows import add_hours

pytestmark = pytest.mark.integration

FIRST = date(2026, 1, 31)
START = datetime(2026, 1, 31, tzinfo=UTC)
TWO_DAYS = Period(START, START + timedelta(days=2))
RULES = """
[[rule]]
id = "warm"
metric = "temperature_c"
above = 20
severity = "info"
message = "Warm"
active = "00:00-23:00"
"""


@pytest.fixture(autouse=True)
def two_days(engine: Engine) -> None:
    """Warmer by one degree each hour of the day."""
    with engine.begin() as connection:
        for city in ("Lima", "Oslo"):
            save_city(connection, City(city, latitude=0, longitude=0, time_zone="Asia/Tokyo"))
            add_hours(connection, city, FIRST, 48, source=ARCHIVE_SOURCE)


def history(engine: Engine, cities: Sequence[str], period: Period = TWO_DAYS) -> list[Reading]:
    with engine.connect() as connection:
        return list(read_history(connection, cities, period))


def flag(engine: Engine, hour: int, **columns: object) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(weather_readings)
            .where(weather_readings.c.timestamp == START + timedelta(hours=hour))
            .values(**columns)
        )


def temperatures(engine: Engine, hours: int) -> list[float | None]:
    return [reading.temperature_c for reading in history(engine, ["Oslo"])[:hours]]


def test_readings_come_in_order_of_observation_over_all_cities(engine: Engine) -> None:
    found = history(engine, ["Oslo", "Lima"])
    assert len(found) == 96
    assert [(r.timestamp, r.city) for r in found] == sorted((r.timestamp, r.city) for r in found)


def test_only_the_cities_and_the_period_that_are_asked_for(engine: Engine) -> None:
    period = Period(START + timedelta(hours=2), START + timedelta(hours=4))
    found = history(engine, ["Oslo"], period)
    assert [(reading.city, reading.timestamp.hour) for reading in found] == [
        ("Oslo", 2),
        ("Oslo", 3),
    ]


def test_a_value_that_failed_quality_control_is_missing(engine: Engine) -> None:
    flag(engine, 1, qc_flags=[QcFlag.TEMPERATURE_FAHRENHEIT.name], humidity=50)
    assert temperatures(engine, 3) == [0, None, 2]
    assert history(engine, ["Oslo"])[1].humidity == 50


def test_a_value_that_is_only_doubtful_counts(engine: Engine) -> None:
    flag(engine, 1, qc_flags=[QcFlag.TEMPERATURE_STEP.name])
    assert temperatures(engine, 3) == [0, 1, 2]


def test_a_value_that_was_filled_in_is_missing(engine: Engine) -> None:
    flag(engine, 1, qc_flags=[QcFlag.IMPUTED.name], imputed=["temperature_c"])
    assert temperatures(engine, 3) == [0, None, 2]


def test_the_span_is_that_of_the_cities(engine: Engine) -> None:
    with engine.connect() as connection:
        assert history_span(connection, ["Oslo"]) == (START, START + timedelta(hours=47))
        assert history_span(connection, ["Cairo"]) is None


def test_parts_by_month_hold_every_reading_once(engine: Engine) -> None:
    parts = TWO_DAYS.months()
    assert len(parts) == 2
    found = [reading for part in parts for reading in history(engine, ["Oslo"], part)]
    assert found == history(engine, ["Oslo"])


def test_what_came_from_an_archive_is_judged(engine: Engine) -> None:
    rules = parse_definitions(RULES.replace("active", "# active"))
    assert len(run_backtest(rules, history(engine, ["Oslo"])).firings) == 2


@pytest.fixture
def ask(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DATA_DIR", str(folder))
    monkeypatch.setenv("DATABASE_URL", database_url)
    (folder / "rules.toml").write_text(RULES)
    return ["alerts", "backtest", "--file", "rules.toml"]


def test_the_command_tries_rules_on_the_database_in_local_hours(ask: list[str]) -> None:
    told = CliRunner().invoke(app, [*ask, "--cities", "Osl*", "--json"])
    assert told.exit_code == 0, told.stderr
    found = json.loads(told.stdout)
    assert list(found["cities"]) == ["Oslo"]
    assert found["cities"]["Oslo"]["readings"] == 48
    assert [one["fired_at"] for one in found["rules"][0]["firings"]] == [
        "2026-01-31T21:00:00Z",
        "2026-02-01T21:00:00Z",
    ]


def test_days_without_readings_are_named(ask: list[str]) -> None:
    told = CliRunner().invoke(app, [*ask, "--from", "2027-01-01"])
    assert told.exit_code == 2
    assert "they go from 2026-01-31 to 2026-02-01" in told.stderr


def test_a_history_without_readings_says_so(ask: list[str]) -> None:
    told = CliRunner().invoke(app, [*ask, "--cities", "Nowhere"])
    assert told.exit_code == 2
    assert "no cleaned readings of these cities" in told.stderr
