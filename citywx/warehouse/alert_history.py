"""The cleaned history as the alerter would have seen it. Only reads.

A value that failed quality control is missing, and so is one that was filled in afterwards. What
has not been cleaned yet is no history.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from citywx.warehouse.tables import weather_readings
from citywx.weather.quality.flags import DOUBTS, SEVERITIES, Severity
from citywx.weather.reading import MEASURES, Reading

_ROWS_AT_ONCE = 5_000
_TABLE = weather_readings.name
_VALUES = ", ".join(
    f"CASE WHEN qc_flags && CAST(:{measure} AS text[]) OR '{measure}' = ANY(imputed) "
    f"THEN NULL ELSE {measure} END"
    for measure in MEASURES
)
_FAILING = {
    measure: [
        flag.name
        for flag, doubted in DOUBTS.items()
        if measure in doubted and SEVERITIES[flag] is Severity.FAIL
    ]
    for measure in MEASURES
}
_SPAN = text(
    f"""
    SELECT min(first.t), max(last.t) FROM unnest(CAST(:cities AS text[])) AS c(name)
    CROSS JOIN LATERAL (
        SELECT "timestamp" AS t FROM {_TABLE} WHERE city = c.name ORDER BY "timestamp" LIMIT 1
    ) AS first
    CROSS JOIN LATERAL (
        SELECT "timestamp" AS t FROM {_TABLE} WHERE city = c.name ORDER BY "timestamp" DESC LIMIT 1
    ) AS last
    """  # noqa: S608 - names of our own, as below
)
_READINGS = text(
    f"""
    SELECT "timestamp", city, {_VALUES}, weather FROM {_TABLE}
    WHERE city = ANY(CAST(:cities AS text[])) AND "timestamp" >= :start AND "timestamp" < :end
    ORDER BY "timestamp", city
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to before `end`."""

    start: datetime
    end: datetime

    def months(self) -> list["Period"]:
        """Its parts in each UTC month: a partition of the table each.

        >>> period = Period(datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC))
        >>> [f"{part.start:%d %b} to {part.end:%d %b}" for part in period.months()]
        ['31 Jan to 01 Feb', '01 Feb to 02 Feb']
        """
        parts, start = [], self.start
        while start < self.end:
            year, month = start.year + start.month // 12, start.month % 12 + 1
            end = min(datetime(year, month, 1, tzinfo=UTC), self.end)
            parts.append(Period(start, end))
            start = end
        return parts


def history_span(connection: Connection, cities: Sequence[str]) -> tuple[datetime, datetime] | None:
    """The first and the last cleaned reading of these cities."""
    first, last = connection.execute(_SPAN, {"cities": list(cities)}).one()
    return (first, last) if first else None


def read_history(
    connection: Connection, cities: Sequence[str], period: Period
) -> Iterator[Reading]:
    """The readings of a period in order of observation, never all of them in memory."""
    streaming = connection.execution_options(stream_results=True, max_row_buffer=_ROWS_AT_ONCE)
    bound = {"cities": list(cities), "start": period.start, "end": period.end, **_FAILING}
    for rows in streaming.execute(_READINGS, bound).partitions(_ROWS_AT_ONCE):
        for timestamp, city, *values in rows:
            yield Reading(timestamp, city, *values)
