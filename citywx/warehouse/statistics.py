"""Minimum, maximum, mean and count of each measure by hour and by UTC day, for each city.

They are written where readings are cleaned, in the same transaction, and are kept for ever: the
hours and days of months that retention dropped are not touched any more. A value counts when it was
reported or filled in and none of its own flags says that it failed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection, Engine, TextClause, func, select, text

from citywx.warehouse import tables
from citywx.warehouse.cities import known_cities
from citywx.warehouse.locks import lock_for_transaction
from citywx.warehouse.retention import first_clean_day, start_of
from citywx.weather.quality.flags import DOUBTS, SEVERITIES, Severity, Verdict
from citywx.weather.reading import MEASURES

VALUE_COLUMNS = (
    *(f"{name}_{word}" for name in MEASURES for word in ("min", "max", "mean", "count")),
    *("readings", "suspect", "failed"),
)
"""The columns of both tables beside their keys."""


@dataclass(frozen=True, slots=True)
class StatisticsResult:
    """How many rows of both tables were written because they are new or differ, and removed."""

    written: int = 0
    removed: int = 0

    def __add__(self, other: "StatisticsResult") -> "StatisticsResult":
        return StatisticsResult(self.written + other.written, self.removed + other.removed)


def update_statistics(
    connection: Connection, city: str, first: datetime, last: datetime
) -> StatisticsResult:
    """Make the hours and days that meet `first` … `last` (aware UTC) what the readings say.

    Only rows that differ are written, and those without any reading left are removed. Whoever
    calls has the city to itself (the lock `clean CITY`).
    """
    kept = first_clean_day(connection)
    oldest = None if kept is None else start_of(kept)
    result = StatisticsResult()
    for statement, start_of_step, length in (
        (_HOURLY, _start_of_hour, timedelta(hours=1)),
        (_DAILY, _start_of_day, timedelta(days=1)),
    ):
        start = max(filter(None, (start_of_step(first), oldest)))
        span = {"start": start, "end": start_of_step(last) + length}
        result += StatisticsResult(*connection.execute(statement, {"city": city} | span).one())
    return result


def update_days(engine: Engine, days: Iterable[date]) -> StatisticsResult:
    """Make the statistics of whole UTC days anew, for every city; each in its own transaction."""
    wanted = sorted(set(days))
    result = StatisticsResult()
    with engine.connect() as connection:
        names = [city.name for city in known_cities(connection)]
    for name in names:
        with engine.begin() as connection:
            lock_for_transaction(connection, f"clean {name}")
            for first, last in runs_of(wanted):
                end = start_of(last) + timedelta(days=1, microseconds=-1)
                result += update_statistics(connection, name, start_of(first), end)
    return result


def count_rows(connection: Connection, first: date, last: date) -> dict[str, int]:
    """How many rows each table has of these UTC days, both included."""
    cities = select(tables.cities.c.name)
    hours, days = tables.hourly_statistics.c, tables.daily_statistics.c
    end = start_of(last) + timedelta(days=1)
    in_hours = [hours.city.in_(cities), hours.hour >= start_of(first), hours.hour < end]
    in_days = [days.city.in_(cities), days.day.between(first, last)]
    return {
        "hourly_statistics": connection.scalar(select(func.count()).where(*in_hours)) or 0,
        "daily_statistics": connection.scalar(select(func.count()).where(*in_days)) or 0,
    }


def runs_of(days: Sequence[date]) -> list[tuple[date, date]]:
    """The first and last of each run of days that follow each other; `days` are sorted.

    >>> [(first.day, last.day) for first, last in runs_of([date(2026, 2, 28), date(2026, 3, 1)])]
    [(28, 1)]
    >>> [(first.day, last.day) for first, last in runs_of([date(2026, 3, 1), date(2026, 3, 5)])]
    [(1, 1), (5, 5)]
    """
    numbered = groupby(enumerate(days), key=lambda item: item[1].toordinal() - item[0])
    runs = ([day for _, day in run] for _, run in numbered)
    return [(run[0], run[-1]) for run in runs]


def _start_of_hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _start_of_day(moment: datetime) -> datetime:
    return start_of(moment.astimezone(UTC).date())


def _failing(measure: str) -> str:
    """The flags that fail a row for the sake of this measure, as an SQL array."""
    names = (
        flag.name
        for flag, severity in SEVERITIES.items()
        if severity is Severity.FAIL and measure in DOUBTS[flag]
    )
    return f"'{{{','.join(names)}}}'::text[]"


def _unless_failed(measure: str) -> str:
    """A measure, or NULL where it failed; few rows have failed, and only those are looked into."""
    failed = f"qc_verdict = {Verdict.FAIL} AND qc_flags && {_failing(measure)}"
    return f"CASE WHEN {failed} THEN NULL ELSE {measure} END AS {measure}"


def _of_readings(measure: str) -> str:
    return (
        f"min({measure}) AS {measure}_min, max({measure}) AS {measure}_max, "
        f"round(sum({measure}) / nullif(count({measure}), 0) * 1e6) / 1e6 AS {measure}_mean, "
        f"count({measure}) AS {measure}_count"
    )


def _of_hours(measure: str) -> str:
    mean = f"sum({measure}_mean * {measure}_count) / nullif(sum({measure}_count), 0)"
    return (
        f"min({measure}_min) AS {measure}_min, max({measure}_max) AS {measure}_max, "
        f"round({mean} * 1e6) / 1e6 AS {measure}_mean, sum({measure}_count) AS {measure}_count"
    )


def _update(table: str, key: str, computed: str) -> TextClause:
    """The statement that makes the rows of a city and span in `table` the `computed` ones."""
    columns = ", ".join(VALUE_COLUMNS)
    old, new = (", ".join(f"{each}.{name}" for name in VALUE_COLUMNS) for each in ("old", "new"))
    return text(
        f"""
        WITH new AS ({computed}), old AS (
            SELECT * FROM {table} WHERE city = :city AND {key} >= :start AND {key} < :end
        ), different AS MATERIALIZED (
            SELECT new.*, old.{key} AS stored
            FROM new FULL JOIN old ON old.{key} = new.{key}
            WHERE ({old}) IS DISTINCT FROM ({new})
        ), written AS (
            INSERT INTO {table} (city, {key}, {columns})
            SELECT :city, {key}, {columns} FROM different WHERE {key} IS NOT NULL ORDER BY {key}
            ON CONFLICT (city, {key}) DO UPDATE SET
                {", ".join(f"{name} = excluded.{name}" for name in VALUE_COLUMNS)}
            RETURNING 1
        ), removed AS (
            DELETE FROM {table} USING different
            WHERE city = :city AND {table}.{key} = stored AND different.{key} IS NULL
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM removed)
        """  # noqa: S608 - names of our own
    )


# Means are rounded, so that their last digit does not depend on the order in which rows are read.
_HOURLY = _update(
    "hourly_statistics",
    "hour",
    f"""
    SELECT date_bin('1 hour', "timestamp", '2000-01-01T00:00Z') AS hour,
           {", ".join(_of_readings(measure) for measure in MEASURES)},
           count(*) AS readings,
           count(*) FILTER (WHERE qc_verdict = {Verdict.SUSPECT}) AS suspect,
           count(*) FILTER (WHERE qc_verdict = {Verdict.FAIL}) AS failed
    FROM (
        SELECT "timestamp", qc_verdict, {", ".join(_unless_failed(name) for name in MEASURES)}
        FROM weather_readings
        WHERE city = :city AND "timestamp" >= :start AND "timestamp" < :end
        OFFSET 0
    ) AS valid
    GROUP BY 1
    """,  # noqa: S608 - names of our own
)
_DAILY = _update(
    "daily_statistics",
    "day",
    f"""
    SELECT (hour AT TIME ZONE 'UTC')::date AS day,
           {", ".join(_of_hours(measure) for measure in MEASURES)},
           sum(readings) AS readings, sum(suspect) AS suspect, sum(failed) AS failed
    FROM hourly_statistics
    WHERE city = :city AND hour >= :start AND hour < :end
    GROUP BY 1
    """,  # noqa: S608 - names of our own
)
