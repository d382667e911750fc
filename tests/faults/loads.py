"""A log for loaders, what must come of it, and what did.

Lines are readings in order, and among them the same again, corrections of earlier ones, lines that
cannot be read, and blank lines.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg

from citywx.weather.reading import COLUMNS, Reading, to_csv_line
from tests.faults.rows import reading

Key = tuple[str, str, datetime]
_HEADER = (",".join(COLUMNS) + "\n").encode()


@dataclass
class Log:
    """Writes lines, and knows what they say."""

    path: Path
    dice: random.Random
    lines: int = 0
    rejected: int = 0
    skipped: int = 0
    readings: dict[Key, Reading] = field(default_factory=dict)
    _next: int = 0

    def append(self, count: int) -> None:
        """Append so many lines with one write."""
        data = b"" if self.lines else self._note_skipped(_HEADER)
        data += b"".join(self._line() for _ in range(count))
        with self.path.open("ab") as file:
            file.write(data)

    def _line(self) -> bytes:
        kind = self.dice.random()
        if kind < 0.02:
            self.lines, self.rejected = self.lines + 1, self.rejected + 1
            return b"2026-03-01T00:00:00Z,Oslo,warm,,,,,,\n"
        if kind < 0.03:
            return self._note_skipped(b"\n")
        if kind < 0.15 and self._next:
            row = reading(self.dice.randrange(self._next))
            if kind < 0.09:
                row = row._replace(temperature_c=round(self.dice.uniform(-20, 40), 2))
        else:
            row = reading(self._next)
            self._next += 1
        self.lines += 1
        self.readings[row.identity] = row
        return to_csv_line(row)

    def _note_skipped(self, line: bytes) -> bytes:
        self.lines, self.skipped = self.lines + 1, self.skipped + 1
        return line


@dataclass(frozen=True)
class Compared:
    """What the database holds beside what the log says."""

    lost: int
    double: int
    corrupt: int
    problems: tuple[str, ...]


def compare(connection: psycopg.Connection, log: Log) -> Compared:
    """Hold the tables against the log, row by row, and every batch against its accounting."""
    stored: dict[Key, tuple[float | None, ...]] = {}
    double = 0
    for source, city, timestamp, *measures in connection.execute(
        "SELECT source, city, timestamp, temperature_c, humidity, pressure, wind_speed"
        " FROM raw_readings"
    ):
        double += (source, city, timestamp) in stored
        stored[source, city, timestamp] = tuple(measures)
    lost = log.readings.keys() - stored.keys()
    corrupt = [key for key in stored if stored[key] != _measures(log.readings.get(key))]
    return Compared(len(lost), double, len(corrupt), tuple(_problems(connection, log)))


def _measures(row: Reading | None) -> tuple[float | None, ...] | None:
    return row and (row.temperature_c, row.humidity, row.pressure, row.wind_speed)


def _problems(connection: psycopg.Connection, log: Log) -> list[str]:
    """What is wrong with the accounts, and with what cleaning has made of the readings."""
    facts = {
        "lines accounted for": (_sum(connection, "lines"), log.lines),
        "lines loaded": (_sum(connection, "loaded"), len(log.readings)),
        "lines rejected": (_sum(connection, "rejected"), log.rejected),
        "lines skipped": (_sum(connection, "skipped"), log.skipped),
        "lines kept as rejected": (_count(connection, "rejected_lines"), log.rejected),
        "cleaned rows": (_count(connection, "weather_readings"), len(log.readings)),
        "dirty windows left": (_count(connection, "dirty_windows"), 0),
        "batches that do not add up": (
            _one(
                connection,
                "SELECT count(*) FROM ingest_batches WHERE"
                " lines <> loaded + duplicates + corrected + rejected + skipped",
            ),
            0,
        ),
        "readings in the hourly statistics": (
            _one(connection, "SELECT coalesce(sum(readings), 0) FROM hourly_statistics"),
            len(log.readings),
        ),
    }
    return [f"{name}: {got}, not {right}" for name, (got, right) in facts.items() if got != right]


def _sum(connection: psycopg.Connection, column: str) -> int:
    return _one(connection, f"SELECT coalesce(sum({column}), 0) FROM ingest_batches")  # noqa: S608 - our own words


def _count(connection: psycopg.Connection, table: str) -> int:
    return _one(connection, f"SELECT count(*) FROM {table}")  # noqa: S608


def _one(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type]  # our own words
    assert row is not None
    return int(row[0])
