"""All that the dashboard asks PostgreSQL, but for alerts: see `alert_data`.

Nothing else in `dashboard` holds SQL. Every query over readings names its cities and walks the
index (city, timestamp); what it returns is bounded. Times are aware UTC; local times are made where
they are shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

import pandas as pd
from sqlalchemy import Connection, Executable, select, text

from citywx.warehouse.tables import cities as cities_table
from citywx.weather.city import City
from citywx.weather.reading import MEASURES
from dashboard.counters import Sample
from dashboard.processes import ProcessStatus

MAX_POINTS = 20_000
"""More than this is not drawn, but summed up in longer steps."""

EXPORT_COLUMNS = (
    "timestamp", "city", *MEASURES, "weather", "source", "qc_flags", "imputed",
)  # fmt: skip
_FLAG_DAYS = timedelta(days=7)
_READING = (
    '"timestamp", city, temperature_c, humidity, pressure, wind_speed, weather, '
    "temp_message, source, qc_flags, imputed, live"
)
_TIMES = {
    "timestamp", "issue_time", "target_time", "observed_at", "decided_at", "resolved_at",
    "loaded_at", "first_seen", "first",
}  # fmt: skip
_NUMBERS = {*MEASURES, "value", "latency_ms", "mae", "baseline_mae", "skill"}


class Step(StrEnum):
    """How finely a history is shown; the value is what people choose."""

    RAW = "Every reading"
    HOUR = "Hourly"
    DAY = "Daily"


_RAW_UP_TO, _HOURS_UP_TO = timedelta(days=8), timedelta(days=92)


@dataclass(frozen=True, slots=True)
class _Statistics:
    """Where the statistics of a step are, and how to make those of readings not in them yet."""

    table: str
    key: str
    begins: str
    """When a row's hour or day begins, as `timestamptz`."""
    length: str
    """Of the step, as an interval."""


_STATISTICS = {
    Step.HOUR: _Statistics("hourly_statistics", "hour", "hour", "1 hour"),
    Step.DAY: _Statistics("daily_statistics", "day", "day::timestamp AT TIME ZONE 'UTC'", "1 day"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """The first and the last reading there is."""

    first: datetime
    last: datetime


def cities(connection: Connection) -> list[City]:
    """All cities by name."""
    query = select(cities_table).order_by(cities_table.c.name)
    return [
        City(
            name=row.name,
            country=row.country,
            latitude=row.latitude,
            longitude=row.longitude,
            time_zone=row.time_zone,
            elevation_m=row.elevation_m,
        )
        for row in connection.execute(query)
    ]


def span(connection: Connection, names: Sequence[str]) -> Span | None:
    """The time between the oldest and the newest reading of these cities.

    Readings count that are gone, of which statistics are kept.
    """
    query = """
        SELECT least(min(f.t), min(d.t)), max(l.t) FROM unnest(CAST(:names AS text[])) AS c(name)
        CROSS JOIN LATERAL (
            SELECT "timestamp" AS t FROM current_readings AS r
            WHERE r.city = c.name ORDER BY "timestamp" LIMIT 1
        ) AS f
        CROSS JOIN LATERAL (
            SELECT "timestamp" AS t FROM current_readings AS r
            WHERE r.city = c.name ORDER BY "timestamp" DESC LIMIT 1
        ) AS l
        LEFT JOIN LATERAL (
            SELECT hour AS t FROM hourly_statistics AS h
            WHERE h.city = c.name ORDER BY hour LIMIT 1
        ) AS d ON true
    """
    first, last = connection.execute(text(query), {"names": list(names)}).one()
    return Span(first, last) if first else None


def last_readings(connection: Connection, names: Sequence[str], points: int) -> pd.DataFrame:
    """The last `points` readings of each city, oldest first."""
    query = f"""
        SELECT r.* FROM unnest(CAST(:names AS text[])) AS c(name)
        CROSS JOIN LATERAL (
            SELECT {_READING} FROM current_readings AS r
            WHERE r.city = c.name ORDER BY "timestamp" DESC LIMIT :points
        ) AS r
        ORDER BY r.city, r."timestamp"
    """  # noqa: S608 - constants only
    return to_frame(connection, text(query), {"names": list(names), "points": points})


def count_readings(
    connection: Connection, names: Sequence[str], start: datetime, end: datetime, limit: int
) -> int:
    """How many readings a period holds, counted no further than `limit`."""
    query = """
        SELECT count(*) FROM (
            SELECT FROM unnest(CAST(:names AS text[])) AS c(name)
            CROSS JOIN LATERAL (
                SELECT FROM current_readings AS r
                WHERE r.city = c.name AND "timestamp" >= :start AND "timestamp" < :end
            ) AS r
            LIMIT :limit
        ) AS bounded
    """
    bound = {"names": list(names), "start": start, "end": end, "limit": limit}
    return int(connection.execute(text(query), bound).scalar_one())


def readings(
    connection: Connection, names: Sequence[str], start: datetime, end: datetime
) -> pd.DataFrame:
    """The readings of a period (its end excluded) in order of time; at most MAX_POINTS."""
    query = f"""
        SELECT {_READING} FROM current_readings
        WHERE city = ANY(CAST(:names AS text[])) AND "timestamp" >= :start AND "timestamp" < :end
        ORDER BY "timestamp" LIMIT :limit
    """  # noqa: S608 - constants only
    bound = {"names": list(names), "start": start, "end": end, "limit": MAX_POINTS}
    return to_frame(connection, text(query), bound)


def summaries(
    connection: Connection, names: Sequence[str], start: datetime, end: datetime, *, step: Step
) -> pd.DataFrame:
    """Mean, minimum and maximum of each measure by UTC hour or day, from the statistics.

    The newest hour or day of each city and all after it are made of the readings as they are, live
    ones too. Columns `timestamp` (where the hour or day begins), `city`, `readings`,
    `MEASURE_mean` …; at most MAX_POINTS rows a city.
    """
    kept = _STATISTICS[step]
    columns = [f"{name}_{word}" for name in MEASURES for word in ("mean", "min", "max")]
    aggregates = ", ".join(
        f"avg({name}) AS {name}_mean, min({name}) AS {name}_min, max({name}) AS {name}_max"
        for name in MEASURES
    )
    query = f"""
        WITH reached AS (
            SELECT c.name AS city, coalesce(newest.at, '-infinity') AS at
            FROM unnest(CAST(:names AS text[])) AS c(name)
            LEFT JOIN LATERAL (
                SELECT {kept.begins} AS at FROM {kept.table} WHERE city = c.name
                ORDER BY {kept.key} DESC LIMIT 1
            ) AS newest ON true
        )
        SELECT s."timestamp", city, readings, {", ".join(columns)}
        FROM reached CROSS JOIN LATERAL (
            SELECT {kept.begins} AS "timestamp", readings, {", ".join(columns)}
            FROM {kept.table} AS s
            WHERE s.city = reached.city AND {kept.key} >= :first
              AND {kept.begins} < least(:end, reached.at)
        ) AS s
        UNION ALL
        SELECT date_bin('{kept.length}', r."timestamp", '2000-01-01T00:00Z'), reached.city,
               count(*), {aggregates}
        FROM reached CROSS JOIN LATERAL (
            SELECT "timestamp", {", ".join(MEASURES)} FROM current_readings AS r
            WHERE r.city = reached.city AND "timestamp" >= greatest(:start, reached.at)
              AND "timestamp" < :end
        ) AS r
        GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :limit
    """  # noqa: S608 - constants only
    begin = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = begin if step is Step.HOUR else begin.date()
    bound = {"names": list(names), "start": start, "end": end, "first": first}
    return to_frame(connection, text(query), bound | {"limit": MAX_POINTS * len(names)})


def mean_readings(
    connection: Connection, names: Sequence[str], start: datetime, end: datetime, *, step: Step
) -> pd.DataFrame:
    """The mean of each measure by UTC hour or day, in the columns of `readings`."""
    means = summaries(connection, names, start, end, step=step)
    return means.rename(columns={f"{name}_mean": name for name in MEASURES})


def predictions(connection: Connection, names: Sequence[str]) -> pd.DataFrame:
    """What was last predicted for tomorrow, by every method, for each city and variable."""
    query = """
        SELECT p.* FROM unnest(CAST(:names AS text[])) AS c(name)
        CROSS JOIN unnest(ARRAY['temperature_c', 'humidity']) AS v(name)
        CROSS JOIN LATERAL (
            SELECT city, variable, issue_time, target_time, method, value, mae, baseline_mae,
                   skill, points, note
            FROM city_predictions AS p
            WHERE p.city = c.name AND p.variable = v.name AND p.horizon = 'tomorrow'
            ORDER BY issue_time DESC LIMIT 8
        ) AS p
    """
    found = to_frame(connection, text(query), {"names": list(names)})
    newest = found.groupby(["city", "variable"])["issue_time"].transform("max")
    return found[found["issue_time"] == newest]


def batches(connection: Connection, limit: int = 200) -> pd.DataFrame:
    """The newest loads, oldest first: what became of their lines."""
    query = """
        SELECT * FROM (
            SELECT batch_id, loaded_at, seconds, bytes, lines, loaded, duplicates, corrected,
                   rejected, skipped
            FROM ingest_batches ORDER BY batch_id DESC LIMIT :limit
        ) AS newest ORDER BY batch_id
    """
    return to_frame(connection, text(query), {"limit": limit})


def rejected_lines(connection: Connection, limit: int = 50) -> pd.DataFrame:
    """The newest lines that could not be read; `raw` is bytes."""
    query = """
        SELECT first_seen, reason, byte_offset, raw FROM rejected_lines
        ORDER BY first_seen DESC LIMIT :limit
    """
    return to_frame(connection, text(query), {"limit": limit})


def flag_counts(connection: Connection, names: Sequence[str], newest: datetime) -> pd.DataFrame:
    """How often each flag was raised in the seven days up to the newest reading, by city."""
    query = """
        SELECT r.city, f.flag, count(*) AS readings
        FROM weather_readings AS r CROSS JOIN LATERAL unnest(r.qc_flags) AS f(flag)
        WHERE r.city = ANY(CAST(:names AS text[]))
          AND r."timestamp" >= :start AND r."timestamp" <= :end
        GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
    """
    bound = {"names": list(names), "start": newest - _FLAG_DAYS, "end": newest}
    return to_frame(connection, text(query), bound)


def process_statuses(connection: Connection) -> dict[str, ProcessStatus]:
    """What each streaming process last said, by name."""
    query = text(
        "SELECT process, state, segment, byte_offset, said_at, metrics FROM process_status"
    )
    return {row.process: ProcessStatus(*row) for row in connection.execute(query)}


def pipeline_samples(connection: Connection, since: datetime) -> dict[str, list[Sample]]:
    """What each process had counted, in order of time: its last sample of every half minute."""
    query = text("""
        SELECT DISTINCT ON (process, date_bin('30 seconds', at, 'epoch')) process, at, metrics
        FROM pipeline_samples WHERE at >= :since
        ORDER BY process, date_bin('30 seconds', at, 'epoch'), at DESC
    """)
    found: dict[str, list[Sample]] = {}
    for row in connection.execute(query, {"since": since}):
        found.setdefault(row.process, []).append(Sample(*row))
    return found


def export_rows(
    connection: Connection, name: str, start: datetime, end: datetime, *, chunk: int
) -> Iterator[Sequence[Sequence[object]]]:
    """The readings of a city and period in chunks of rows, never all of them in memory."""
    query = f"""
        SELECT {", ".join(f'"{column}"' for column in EXPORT_COLUMNS)} FROM current_readings
        WHERE city = :name AND "timestamp" >= :start AND "timestamp" < :end
        ORDER BY "timestamp"
    """  # noqa: S608 - constants only
    streaming = connection.execution_options(stream_results=True, max_row_buffer=chunk)
    bound = {"name": name, "start": start, "end": end}
    yield from streaming.execute(text(query), bound).partitions(chunk)


def step_for(
    readings_count: int, length: timedelta, wanted: Step | None, *, cities: int = 1
) -> Step:
    """The finest step, not finer than wanted, that draws at most MAX_POINTS.

    With nothing wanted: every reading of days, hours of weeks, days of months and years.

    >>> step_for(30_000, timedelta(days=30), Step.RAW)
    <Step.HOUR: 'Hourly'>
    >>> step_for(30_000, timedelta(days=365), None)
    <Step.DAY: 'Daily'>
    """
    if wanted is None:
        fitting = Step.HOUR if length <= _HOURS_UP_TO else Step.DAY
        wanted = Step.RAW if length <= _RAW_UP_TO else fitting
    if wanted is Step.RAW and readings_count <= MAX_POINTS:
        return Step.RAW
    if wanted is not Step.DAY and cities * length <= timedelta(hours=MAX_POINTS):
        return Step.HOUR
    return Step.DAY


def to_frame(
    connection: Connection, query: Executable, bound: Mapping[str, object] = MappingProxyType({})
) -> pd.DataFrame:
    """The answer, with times as aware UTC and numbers as numbers."""
    result = connection.execute(query, bound)
    frame = pd.DataFrame(result.fetchall(), columns=list(result.keys()))
    for column in frame.columns:
        if column in _TIMES:
            frame[column] = pd.to_datetime(frame[column], utc=True)
        elif column in _NUMBERS or column.endswith(("_mean", "_min", "_max")):
            frame[column] = pd.to_numeric(frame[column])
    return frame
