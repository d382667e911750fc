"""A batch of readings into `raw_readings`: straight in where all are new, else merged.

Most batches are new observations, in order: a look at the key says so, and COPY writes them
where they stay. Any other batch goes through a temporary table and the statement in `merge_raw`.
Either way the spans of time that changed are noted as dirty windows.
"""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from citywx.staging.columns import NOT_REPORTED, Columns, days_of
from citywx.warehouse import copy_binary
from citywx.warehouse.copy_binary import Field, copy_fields
from citywx.warehouse.copy_in import create_stage
from citywx.warehouse.merge_raw import MERGE, STAGE, STAGE_COLUMNS, Merged
from citywx.warehouse.near import note_windows_nearby
from citywx.warehouse.partitions import ensure_months
from citywx.warehouse.watermarks import LogPlace

_DAY_MICROS = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANY_KNOWN = text(
    """
    SELECT EXISTS (
        SELECT FROM unnest(
            CAST(:cities AS text[]), CAST(:sources AS text[]),
            CAST(:firsts AS timestamptz[]), CAST(:lasts AS timestamptz[])
        ) AS span (city, source, first, last)
        CROSS JOIN LATERAL (
            SELECT FROM raw_readings AS old
            WHERE old.city = span.city AND old.source = span.source
                AND old."timestamp" BETWEEN span.first AND span.last
                AND old."timestamp" BETWEEN :first AND :last
            LIMIT 1
        ) AS known
    )
    """
)
_NOTE_WINDOWS = text(
    """
    INSERT INTO dirty_windows (
        city, day, first_timestamp, last_timestamp, segment_no, byte_offset
    )
    SELECT city, (first AT TIME ZONE 'UTC')::date, first, last, :segment_no, :end
    FROM unnest(
        CAST(:cities AS text[]), CAST(:firsts AS timestamptz[]), CAST(:lasts AS timestamptz[])
    ) AS window_of_a_day (city, first, last)
    """
)
_FIRST_SEEN = text(
    "INSERT INTO cities (name) SELECT unnest(CAST(:cities AS text[])) ON CONFLICT DO NOTHING"
)


def store_raw(connection: Connection, readings: Columns, place: LogPlace) -> Merged:
    """Store readings that end at `place` in the log, and note which windows they make dirty."""
    if not len(readings):
        return Merged()
    first, last = _moment(readings.timestamp.min()), _moment(readings.timestamp.max())
    ensure_months(connection, "raw_readings", _months(readings.timestamp))
    # A batch is small and the table may be large: look each row up by its key.
    connection.execute(text("SET LOCAL enable_hashjoin = off"))
    connection.execute(text("SET LOCAL enable_mergejoin = off"))
    if _all_new(connection, readings, first, last):
        merged = _insert(connection, readings, place)
    else:
        merged = _merge(connection, readings, place, first, last)
    if merged.days:
        note_windows_nearby(connection, place)
    return merged


def _merge(
    connection: Connection, readings: Columns, place: LogPlace, first: datetime, last: datetime
) -> Merged:
    create_stage(connection, STAGE, STAGE_COLUMNS)
    copy_fields(connection, STAGE, _fields(readings))
    row = connection.execute(
        MERGE,
        {"segment_no": place.segment_no, "end": place.byte_offset, "first": first, "last": last},
    ).one()
    return Merged(row.loaded, row.duplicates, row.corrected, frozenset(row.days))


def _all_new(connection: Connection, readings: Columns, first: datetime, last: datetime) -> bool:
    """Whether no observation comes twice in the batch or stands in the span of a stored one."""
    series = _series(readings)
    if pd.DataFrame({"series": series, "timestamp": readings.timestamp}).duplicated().any():
        return False
    present, firsts, lasts = _spans(series, readings.timestamp)
    city, source = np.divmod(present, len(readings.source.texts))
    spans = {
        "cities": [readings.city.texts[code] for code in city],
        "sources": [readings.source.texts[code] for code in source],
        "firsts": list(map(_moment, firsts)),
        "lasts": list(map(_moment, lasts)),
        "first": first,
        "last": last,
    }
    return not connection.execute(_ANY_KNOWN, spans).scalar_one()


def _insert(connection: Connection, readings: Columns, place: LogPlace) -> Merged:
    fields = _fields(readings)
    count = len(readings)
    fields["segment_no"] = copy_binary.integers(np.full(count, place.segment_no), ">i4")
    copy_fields(connection, "raw_readings", fields)
    days = readings.timestamp // _DAY_MICROS
    period = int(np.ptp(days)) + 1
    city_days = readings.city.codes.astype(np.int64) * period + (days - days.min())
    present, firsts, lasts = _spans(city_days, readings.timestamp)
    cities = [readings.city.texts[code] for code in present // period]
    windows = {
        "cities": cities,
        "firsts": list(map(_moment, firsts)),
        "lasts": list(map(_moment, lasts)),
        "segment_no": place.segment_no,
        "end": place.byte_offset,
    }
    connection.execute(_NOTE_WINDOWS, windows)
    connection.execute(_FIRST_SEEN, {"cities": sorted(set(cities))})
    return Merged(loaded=count, days=days_of(readings))


def _series(readings: Columns) -> NDArray[np.int64]:
    """A number for each pair of city and source."""
    cities = readings.city.codes.astype(np.int64)
    return cities * len(readings.source.texts) + readings.source.codes


def _spans(
    groups: NDArray[np.int64], times: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct groups, with the first and the last time of each."""
    order = np.argsort(groups, kind="stable")
    present, starts = np.unique(groups[order], return_index=True)
    times = times[order]
    return present, np.minimum.reduceat(times, starts), np.maximum.reduceat(times, starts)


def _fields(readings: Columns) -> dict[str, Field]:
    return {
        "source": copy_binary.texts(readings.source.codes, readings.source.texts),
        "city": copy_binary.texts(readings.city.codes, readings.city.texts),
        "timestamp": copy_binary.moments(readings.timestamp),
        **{name: copy_binary.numbers(values) for name, values in readings.measures.items()},
        "weather": copy_binary.texts(readings.weather.codes, readings.weather.texts),
        "fetched_at": copy_binary.moments(readings.fetched_at, readings.fetched_at == NOT_REPORTED),
        "byte_offset": copy_binary.integers(readings.offset),
    }


def _months(times: NDArray[np.int64]) -> list[date]:
    months = np.unique(times.view("datetime64[us]").astype("datetime64[M]"))
    return [month.astype("datetime64[D]").item() for month in months]


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(micros))
