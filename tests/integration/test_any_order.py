"""Shuffled, doubled and split in any way, the same lines give the same tables.

The order of lines about one observation is kept: of these the last one counts.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from citywx.settings import Settings
from citywx.warehouse.clean import clean_days
from citywx.warehouse.load import load_log
from citywx.weather.cleaning import CLEAN_COLUMNS
from citywx.weather.reading import MEASURES, Reading, to_csv_line

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 1, tzinfo=UTC)
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
TABLES = {
    "raw_readings": f"source, city, timestamp, {', '.join(MEASURES)}, weather",
    "weather_readings": ", ".join(f'"{name}"' for name in CLEAN_COLUMNS),
    "hourly_statistics": "*",
    "daily_statistics": "*",
}


def readings() -> list[Reading]:
    """Five days of two cities and two sources by the hour; gaps, a stuck sensor, corrections."""
    rows = []
    for hour in range(0, 120, 2):
        moment = START + timedelta(hours=hour)
        warmth = 10 + 5 * (hour % 24 > 11) + hour % 7 / 10
        stuck = 60.0 if 30 <= hour <= 80 else 55.0 + hour % 5
        rows.append(Reading(moment, "Oslo", None if hour % 22 == 0 else warmth, stuck, 1010, 3))
        if hour % 4 == 0:
            rows.append(Reading(moment, "Bergen", warmth - 4, 80, 1005 + hour % 3, 6, "rain"))
            rows.append(Reading(moment, "Oslo", warmth + 1, 57, 1011, 4, source="second"))
        if hour % 20 == 0:
            rows.append(Reading(moment, "Oslo", 99.0, stuck, 1010, 3))
            rows.append(Reading(moment, "Oslo", warmth + 2, stuck, 1010, 3))
    return rows


READINGS = readings()


@st.composite
def orders(draw: st.DrawFn) -> list[list[Reading]]:
    """The readings in another order, some of them twice, in some pieces."""
    of_key = defaultdict(list)
    for row in READINGS:
        of_key[row.identity] += [row] * draw(st.sampled_from((1, 1, 1, 2)))
    places = [key for key, rows in of_key.items() for _ in rows]
    shuffled = draw(st.permutations(places))
    left = {key: iter(rows) for key, rows in of_key.items()}
    rows = [next(left[key]) for key in shuffled]
    cuts = sorted(draw(st.sets(st.integers(1, len(rows) - 1), max_size=4)))
    return [rows[start:end] for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)]


def tables_of(engine: Engine, log: Path, pieces: list[list[Reading]]) -> dict[str, list[str]]:
    """What an empty warehouse holds after each piece was written, loaded and cleaned."""
    log.unlink(missing_ok=True)
    with engine.begin() as connection:
        names = ", ".join((*TABLES, "dirty_windows", "ingest_position", "ingest_batches"))
        connection.execute(text(f"TRUNCATE {names}"))
    for piece in pieces:
        with log.open("ab") as file:
            file.write(b"".join(map(to_csv_line, piece)))
        load_log(engine, log, earliest=EARLIEST)
        with engine.connect() as connection:
            days = connection.execute(text("SELECT DISTINCT day FROM dirty_windows")).scalars()
            dirty = list(days)
        clean_days(engine, dirty, settings=Settings(_env_file=None))
    with engine.connect() as connection:
        return {name: _rows(connection, name, columns) for name, columns in TABLES.items()}


def _rows(connection: Connection, table: str, columns: str) -> list[str]:
    row = f"{table}::text" if columns == "*" else f"ROW({columns})::text"
    query = text(f"SELECT {row} FROM {table} ORDER BY 1")  # noqa: S608
    return list(connection.execute(query).scalars())


@given(orders())
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_same_lines_give_the_same_tables(
    engine: Engine, tmp_path: Path, pieces: list[list[Reading]]
) -> None:
    log = tmp_path / "readings.csv"
    expected = tables_of(engine, log, [READINGS])
    assert all(expected.values())
    assert tables_of(engine, log, pieces) == expected
