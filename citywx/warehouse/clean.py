"""`raw_readings` → `weather_readings`: what has to be cleaned again, and doing it.

Loading notes which city and span of time it touched (`dirty_windows`). A run takes the windows of
its days, cleans every row that they can have changed, validates, writes what differs, and clears
the windows in the same transaction. How a reading is cleaned belongs in `citywx.weather.cleaning`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

import pandas as pd
from sqlalchemy import Connection, Engine, delete, exists, select

from citywx.settings import Settings
from citywx.warehouse.locks import lock_for_transaction
from citywx.warehouse.merge_clean import merge_clean
from citywx.warehouse.tables import cities, dirty_windows, raw_readings
from citywx.warehouse.watermarks import advance_watermark, read_watermark
from citywx.weather.advice import temp_message
from citywx.weather.cleaning import RAW_COLUMNS, CleaningRules, clean_city
from citywx.weather.schemas import (
    FailureReport,
    RawReadings,
    WeatherReadings,
    failure_cases,
    typed_frame,
)

_LONGEST_CHUNK = timedelta(days=31)  # of one city, in one transaction: memory stays bounded


class InvalidRowsError(Exception):
    """Cleaned rows break their schema; nothing of them was written."""

    def __init__(self, report: FailureReport) -> None:
        self.report = report
        first = report.sample[0]
        super().__init__(
            f"{report.count} cleaned rows break the schema, first {first['check']}: {first['row']}"
        )

    def __reduce__(self) -> tuple[type["InvalidRowsError"], tuple[FailureReport]]:
        """Come whole from the process that cleaned."""
        return (InvalidRowsError, (self.report,))


@dataclass(frozen=True, slots=True)
class CleanResult:
    """What a run did."""

    windows: int = 0
    """Dirty windows cleared."""
    rows: int = 0
    """Rows computed anew."""
    written: int = 0
    """Rows of them that were new or different."""
    removed: int = 0
    """Rows removed because no raw reading stands behind them any more."""

    def __add__(self, other: "CleanResult") -> "CleanResult":
        return CleanResult(
            self.windows + other.windows,
            self.rows + other.rows,
            self.written + other.written,
            self.removed + other.removed,
        )


def dirty_days(connection: Connection) -> list[date]:
    """The UTC days that have readings which are not cleaned yet, in order."""
    day = dirty_windows.c.day
    return list(connection.execute(select(day).distinct().order_by(day)).scalars())


def rules_of(settings: Settings) -> CleaningRules:
    """How these settings want readings cleaned."""
    return CleaningRules(settings.source_order, settings.low_temp_c, temp_message)


def clean_days(
    engine: Engine, days: Iterable[date], *, settings: Settings, only_dirty: bool = True
) -> CleanResult:
    """Clean what is dirty in these UTC days, and all rows around it that it can change.

    With `only_dirty=False` the days are cleaned whole: for a backfill, or when the rules changed.
    Runs may overlap. Raises InvalidRowsError when cleaned rows break their schema.
    """
    rules = rules_of(settings)
    days = sorted(set(days))
    with engine.connect() as connection:
        chunks = list(_dirty_chunks(connection, days))
        if not only_dirty:
            chunks = list(_whole_chunks(connection, days, chunks))
    result = CleanResult()
    for chunk in chunks:
        with engine.begin() as connection:
            result += _clean_chunk(connection, chunk, rules)
    with engine.begin() as connection:
        _move_watermarks(connection)
    return result


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A span of one city's time, and the windows that are clean once it is."""

    city: str
    first: datetime
    last: datetime
    windows: tuple[int, ...]
    whole: bool = False
    """Clean it even if another run has cleared the windows meanwhile."""

    def joined(self, other: "_Chunk") -> "_Chunk":
        first, last = min(self.first, other.first), max(self.last, other.last)
        windows = self.windows + other.windows
        return _Chunk(self.city, first, last, windows, self.whole or other.whole)


def _dirty_chunks(connection: Connection, days: Sequence[date]) -> Iterator[_Chunk]:
    columns = dirty_windows.c
    rows = connection.execute(
        select(columns.city, columns.first_timestamp, columns.last_timestamp, columns.window_id)
        .where(columns.day.in_(days))
        .order_by(columns.city, columns.first_timestamp)
    )
    windows = (_Chunk(row[0], row[1], row[2], (row[3],)) for row in rows)
    return _join(windows)


def _whole_chunks(
    connection: Connection, days: Sequence[date], dirty: Sequence[_Chunk]
) -> Iterator[_Chunk]:
    names = connection.execute(select(cities.c.name).order_by(cities.c.name)).scalars().all()
    for name in names:
        spans = [
            _Chunk(name, start, start + timedelta(days=1, microseconds=-1), (), whole=True)
            for start in (datetime.combine(day, time(), UTC) for day in days)
        ]
        windows = [chunk for chunk in dirty if chunk.city == name]
        yield from _join(sorted([*spans, *windows], key=lambda chunk: chunk.first))


def _join(chunks: Iterable[_Chunk]) -> Iterator[_Chunk]:
    """Join neighbours of one city into larger chunks, up to the longest."""
    for _, of_city in groupby(chunks, key=lambda chunk: chunk.city):
        joined = None
        for chunk in of_city:
            if joined is None:
                joined = chunk
            elif chunk.last - joined.first <= _LONGEST_CHUNK:
                joined = joined.joined(chunk)
            else:
                yield joined
                joined = chunk
        if joined is not None:
            yield joined


def _clean_chunk(connection: Connection, chunk: _Chunk, rules: CleaningRules) -> CleanResult:
    lock_for_transaction(connection, f"clean {chunk.city}")
    cleared = connection.execute(
        delete(dirty_windows).where(dirty_windows.c.window_id.in_(chunk.windows))
    ).rowcount
    if not cleared and not chunk.whole:
        return CleanResult()  # another run was quicker
    first, last = chunk.first - rules.reach, chunk.last + rules.reach
    raw = _raw_readings(connection, chunk.city, first - rules.reach, last + rules.reach)
    clean = clean_city(raw, rules)
    clean = clean[clean["timestamp"].between(pd.Timestamp(first), pd.Timestamp(last))]
    if clean.empty:
        return CleanResult(windows=cleared)
    report = failure_cases(WeatherReadings, clean)
    if not report.passed:
        raise InvalidRowsError(report)
    merged = merge_clean(connection, chunk.city, first, last, clean)
    return CleanResult(cleared, len(clean), merged.written, merged.removed)


def _raw_readings(
    connection: Connection, city: str, first: datetime, last: datetime
) -> pd.DataFrame:
    columns = raw_readings.c
    rows = connection.execute(
        select(*(columns[name] for name in RAW_COLUMNS)).where(
            columns.city == city, columns.timestamp.between(first, last)
        )
    )
    return typed_frame(RawReadings, rows.all())


def _move_watermarks(connection: Connection) -> None:
    """Everything loaded so far is clean once no window is left; read in this order."""
    loaded = read_watermark(connection, "loaded_through")
    dirty = connection.execute(select(exists(select(dirty_windows.c.window_id)))).scalar_one()
    if loaded is not None and not dirty:
        advance_watermark(connection, "cleaned_through", loaded)
        advance_watermark(connection, "validated_through", loaded)
