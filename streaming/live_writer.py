"""Rows of `live_readings`, streamed into an open transaction while their batch is collected.

So the database stores a row while the next ones are still read, and at the batch's end there is
little left to wait for. A row that is newer than all of its source and city cannot meet one that is
there and goes straight into the table; one that comes late (a correction, an older observation)
waits for the batch's end and is merged.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import NamedTuple

import psycopg
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from citywx.warehouse.copy_in import copy_lines, copy_number, copy_text, copy_time, create_stage
from citywx.warehouse.driver import driver_of
from citywx.warehouse.tables import live_readings
from streaming.messages import LogReading
from streaming.remembered import Remembered

_STAGE = "live_stage"
_COPIED = """
    source, city, "timestamp", temperature_c, humidity, pressure, wind_speed, weather,
    fetched_at, segment, byte_offset
"""
_STAGE_COLUMNS = """
    source text, city text, "timestamp" timestamptz, temperature_c double precision,
    humidity double precision, pressure double precision, wind_speed double precision,
    weather text, fetched_at timestamptz, segment text, byte_offset bigint
"""
_COPY = f"COPY live_readings ({_COPIED}) FROM STDIN"
_MERGE = text(f"""
    INSERT INTO live_readings ({_COPIED})
    SELECT * FROM live_stage
    ON CONFLICT (city, "timestamp", source) DO UPDATE SET
        temperature_c = excluded.temperature_c, humidity = excluded.humidity,
        pressure = excluded.pressure, wind_speed = excluded.wind_speed,
        weather = excluded.weather, fetched_at = excluded.fetched_at,
        segment = excluded.segment, byte_offset = excluded.byte_offset, received_at = now()
""")  # noqa: S608 - our own names


class Newest:
    """The newest observation of each source and city that is in the table, or on its way there."""

    def __init__(self, known: Iterable[tuple[str, str, datetime]] = ()) -> None:
        """`known`: source, city and newest observation of all rows that are there."""
        self._moments = {(source, city): moment for source, city, moment in known}

    def sort_out(self, items: Iterable[LogReading]) -> tuple[list[LogReading], list[LogReading]]:
        """Those that cannot meet a row of the table or each other, and those that may."""
        fresh: list[LogReading] = []
        late: list[LogReading] = []
        for item in items:
            reading = item.reading
            place = (reading.source, reading.city)
            newest = self._moments.get(place)
            if newest is None or reading.timestamp > newest:
                self._moments[place] = reading.timestamp
                fresh.append(item)
            else:
                late.append(item)
        return fresh, late


class Batch(NamedTuple):
    """What stands in the open transaction."""

    rows: int
    newest: datetime | None
    """Its newest observation."""


class LiveWriter:
    """Writes readings in log order; of several lines with one identity the last rules.

    It must be the table's only writer, as the recorder is: with another one COPY fails on a row
    that both have written (psycopg.errors.UniqueViolation), and the recorder begins anew from its
    position.
    """

    def __init__(self, engine: Engine) -> None:
        """Look up what is there."""
        live = live_readings.c
        query = select(live.source, live.city, func.max(live.timestamp))
        with engine.connect() as database:
            rows = database.execute(query.group_by(live.source, live.city))
            self._newest = Newest((source, city, moment) for source, city, moment in rows)
        self._engine = engine
        self._begin()

    def _begin(self) -> None:
        self._transaction, self._copying = ExitStack(), ExitStack()
        self._database: Connection | None = None
        self._copy: psycopg.Copy | None = None
        self._late: dict[tuple[str, str, datetime], LogReading] = {}
        self._rows = 0
        self._newest_row: datetime | None = None

    @property
    def batch(self) -> Batch:
        """What would be committed now."""
        return Batch(self._rows + len(self._late), self._newest_row)

    def add(self, items: Sequence[LogReading]) -> None:
        """Put rows into the open transaction, or note them for its end."""
        if not items:
            return
        fresh, late = self._newest.sort_out(items)
        self._late.update((item.reading.identity, item) for item in late)
        if fresh:
            self._open_copy().write("".join(map(_copy_line, fresh)).encode())
        self._rows += len(fresh)
        newest = max(item.reading.timestamp for item in items)
        self._newest_row = max(self._newest_row or newest, newest)

    def finish(self) -> Connection:
        """Write what is left; the connection, for what else belongs into the transaction."""
        self._copying.close()
        database = self._connection()
        if self._late:
            create_stage(database, _STAGE, _STAGE_COLUMNS)
            copy_lines(database, _STAGE, map(_copy_line, self._late.values()))
            database.execute(_MERGE)
        return database

    def commit(self) -> None:
        """Commit what was written since the last time."""
        self._transaction.close()
        self._begin()

    def discard(self) -> None:
        """Write nothing of what is not committed."""
        reason = _DiscardedError()
        for opened in (self._copying, self._transaction):
            with suppress(_DiscardedError, psycopg.Error, DBAPIError):  # it may be gone already
                opened.__exit__(type(reason), reason, None)
        self._begin()

    def _connection(self) -> Connection:
        if self._database is None:
            self._database = self._transaction.enter_context(self._engine.begin())
        return self._database

    def _open_copy(self) -> psycopg.Copy:
        if self._copy is None:
            cursor = self._copying.enter_context(driver_of(self._connection()).cursor())
            self._copy = self._copying.enter_context(cursor.copy(_COPY))
        return self._copy


class _DiscardedError(Exception):
    """Ends a COPY that is not wanted any more."""


# Cities, words, moments and values come many times over.
_texts, _moments, _numbers = Remembered(copy_text), Remembered(copy_time), Remembered(copy_number)


def _copy_line(item: LogReading) -> str:
    reading, segment, offset, _, _ = item
    moment, city, temperature, humidity, pressure, wind, words, source, fetched_at = reading
    return (
        f"{_texts[source]}\t{_texts[city]}\t{_moments[moment]}\t{_numbers[temperature]}"
        f"\t{_numbers[humidity]}\t{_numbers[pressure]}\t{_numbers[wind]}\t{_texts[words]}"
        f"\t{_moments[fetched_at]}\t{segment}\t{offset}\n"
    )
