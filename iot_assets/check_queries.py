"""What the checks look at: rows as frames of the schemas' types, and counts. Only reads.

Pandas and Pandera are imported with this module, so it is imported when a run needs it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
from sqlalchemy import Connection, Select, func, select, text, true, tuple_

from citywx.warehouse.tables import (
    city_predictions,
    daily_statistics,
    daily_summaries,
    dirty_windows,
    raw_readings,
    weather_readings,
)
from citywx.weather.quality.flags import mask_of, measure_mask
from citywx.weather.schemas import (
    CityPredictions,
    DailySummaries,
    RawReadings,
    WeatherReadings,
    typed_frame,
)
from iot_assets.expectations import HISTORY_DAYS

MOST_ROWS = 200_000
"""Rows that one check looks at: its memory stays bounded."""

_UNCLEANED = text("""
    SELECT count(*) FROM (
        SELECT DISTINCT city, "timestamp" FROM raw_readings
        WHERE city IN (SELECT name FROM cities)
          AND "timestamp" >= :start AND "timestamp" < :end
        EXCEPT
        SELECT city, "timestamp" FROM weather_readings
        WHERE "timestamp" >= :start AND "timestamp" < :end
    ) AS missing
""")

_BY_DAY = text("""
    SELECT CAST("timestamp" AT TIME ZONE 'UTC' AS date) AS day, count(*) AS readings
    FROM weather_readings
    WHERE city IN (SELECT name FROM cities) AND "timestamp" >= :start AND "timestamp" < :end
    GROUP BY 1
""")

_LATEST = text("""
    SELECT cities.name AS city, latest."timestamp"
    FROM cities
    CROSS JOIN LATERAL (
        SELECT "timestamp" FROM weather_readings WHERE city = cities.name
        ORDER BY "timestamp" DESC LIMIT 1
    ) AS latest
    ORDER BY cities.name
""")

_ACCOUNTS = text("""
    SELECT coalesce(sum(lines), 0) AS lines, coalesce(sum(loaded), 0) AS loaded,
           coalesce(sum(duplicates), 0) AS duplicates, coalesce(sum(corrected), 0) AS corrected,
           coalesce(sum(rejected), 0) AS rejected, coalesce(sum(skipped), 0) AS skipped
    FROM ingest_batches WHERE loaded_at >= :since
""")


_LAST_WHOLE_DAY = text("""
    SELECT max(day) FROM daily_statistics
    WHERE day < :today AND day < (SELECT max(day) FROM daily_statistics)
""")

_SILENT = text("""
    SELECT name FROM cities
    WHERE NOT EXISTS (SELECT FROM daily_statistics WHERE city = name AND day = :day)
    ORDER BY name
""")

_STRAY_MONTHS = text("""
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND NOT relispartition AND relnamespace = 'public'::regnamespace
        AND relname ~ '^(raw|weather)_readings_[0-9]{4}_[0-9]{2}$'
    ORDER BY relname
""")


def waiting_raw_readings(connection: Connection) -> pd.DataFrame:
    """Raw readings of the spans that wait for cleaning: of each city and UTC day, one."""
    windows = dirty_windows.c  # none crosses a day, so no reading is in two spans
    span = (
        select(
            windows.city,
            func.min(windows.first_timestamp).label("first"),
            func.max(windows.last_timestamp).label("last"),
        )
        .group_by(windows.city, windows.day)
        .subquery("span")
    )
    columns = [raw_readings.c[name] for name in RawReadings.to_schema().columns]
    # The limit inside keeps PostgreSQL from joining by city alone, which reads every month.
    rows = (
        select(*columns)
        .where(
            raw_readings.c.city == span.c.city,
            raw_readings.c.timestamp.between(span.c.first, span.c.last),
        )
        .limit(MOST_ROWS)
        .lateral("waiting")
    )
    query = select(rows).select_from(span.join(rows, true())).limit(MOST_ROWS)
    return typed_frame(RawReadings, connection.execute(query))


def cleaned_readings(connection: Connection, first: date, last: date) -> pd.DataFrame:
    """The cleaned readings of the UTC days from `first` to `last`, both included."""
    start, end = span(first, last)
    columns = [weather_readings.c[name] for name in WeatherReadings.to_schema().columns]
    query = (
        select(*columns)
        .where(weather_readings.c.timestamp >= start, weather_readings.c.timestamp < end)
        .limit(MOST_ROWS)
    )
    masked = (
        {**row, "qc_flags": mask_of(row["qc_flags"]), "imputed": measure_mask(row["imputed"])}
        for row in connection.execute(query).mappings()
    )
    return typed_frame(WeatherReadings, (tuple(row.values()) for row in masked))


def last_whole_day(connection: Connection, today: date) -> date | None:
    """The newest UTC day with readings that is over; in a replay, that is followed by another."""
    found: date | None = connection.execute(_LAST_WHOLE_DAY, {"today": today}).scalar()
    return found


def daily_statistics_before(connection: Connection, day: date) -> pd.DataFrame:
    """The daily statistics of `day` and the four weeks before it, in order."""
    wanted = daily_statistics.c.day.between(day - timedelta(days=HISTORY_DAYS), day)
    query = select(daily_statistics).where(wanted).order_by("city", "day")
    rows = connection.execute(query)
    return pd.DataFrame(rows.mappings().all(), columns=list(rows.keys()))


def cities_without_readings(connection: Connection, day: date) -> list[str]:
    """Cities that have no reading on that UTC day."""
    return list(connection.execute(_SILENT, {"day": day}).scalars())


def stray_months(connection: Connection) -> list[str]:
    """Tables named like monthly partitions that are attached to nothing."""
    return list(connection.execute(_STRAY_MONTHS).scalars())


def newest_forecasts(connection: Connection) -> pd.DataFrame:
    """The forecasts of each city's latest issue."""
    columns = [city_predictions.c[name] for name in CityPredictions.to_schema().columns]
    issues: Select[tuple[str, datetime]] = select(
        city_predictions.c.city, func.max(city_predictions.c.issue_time)
    ).group_by(city_predictions.c.city)
    key = tuple_(city_predictions.c.city, city_predictions.c.issue_time)
    return typed_frame(CityPredictions, connection.execute(select(*columns).where(key.in_(issues))))


def summaries_between(connection: Connection, first: date, last: date) -> pd.DataFrame:
    """The summaries of the local days around the UTC days from `first` to `last`."""
    columns = [daily_summaries.c[name] for name in DailySummaries.to_schema().columns]
    near = daily_summaries.c.local_date.between(first - _DAY, last + _DAY)
    query = select(*columns).where(near).limit(MOST_ROWS)
    return typed_frame(DailySummaries, connection.execute(query))


def uncleaned(connection: Connection, first: date, last: date) -> int:
    """How many observations of these UTC days are loaded and not in the clean history."""
    start, end = span(first, last)
    return int(connection.execute(_UNCLEANED, {"start": start, "end": end}).scalar_one())


def latest_readings(connection: Connection) -> dict[str, datetime]:
    """The time of each city's latest cleaned reading."""
    return {row.city: row.timestamp for row in connection.execute(_LATEST)}


def readings_by_day(connection: Connection, days: Sequence[date]) -> dict[date, int]:
    """How many cleaned readings each of these UTC days has."""
    counts = dict.fromkeys(days, 0)
    start, end = span(*days_between(days))
    for row in connection.execute(_BY_DAY, {"start": start, "end": end}):
        if row.day in counts:
            counts[row.day] = int(row.readings)
    return counts


def accounts(connection: Connection, since: datetime) -> dict[str, int]:
    """What became of the lines that were loaded since then."""
    row = connection.execute(_ACCOUNTS, {"since": since}).one()
    return {name: int(count) for name, count in row._mapping.items()}  # noqa: SLF001 - SQLAlchemy's public name


def span(first: date, last: date) -> tuple[datetime, datetime]:
    """The start of the first UTC day and the end of the last."""
    return datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC) + _DAY


def days_between(days: Sequence[date]) -> tuple[date, date]:
    """The first and the last of some days."""
    return min(days), max(days)


_DAY = timedelta(days=1)
