from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from citywx.warehouse.load import LoadResult, load_log

pytestmark = pytest.mark.integration

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
HEADER = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"
START = datetime(2026, 3, 1, tzinfo=UTC)


def line(hour: int, temperature: float = 10.0, city: str = "Oslo") -> str:
    moment = START + timedelta(hours=hour)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ},{city},{temperature},50,1010,3,clear\n"


def load(engine: Engine, log: Path, **options: int) -> LoadResult:
    return load_log(engine, log, earliest=EARLIEST, **options)


def scalar(engine: Engine, query: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def test_lines_are_loaded_once(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "readings.csv"
    log.write_text(HEADER + line(0) + line(1) + line(25))
    first = load(engine, log)
    assert (first.lines, first.loaded, first.skipped) == (4, 3, 1)
    assert first.days == {START.date(), START.date() + timedelta(days=1)}
    assert load(engine, log) == LoadResult()
    assert scalar(engine, "SELECT count(*) FROM raw_readings") == 3
