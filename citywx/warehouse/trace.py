"""From a cleaned reading back to the lines of the log behind it. Only reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from citywx.weather.reading import MEASURES

_VALUES = ", ".join(MEASURES)
_CLEAN = text(
    f"""
    SELECT city, "timestamp", {_VALUES}, weather, source, qc_verdict, qc_flags, imputed, imputation
    FROM weather_readings
    WHERE (CAST(:city AS text) IS NULL OR city = :city)
        AND "timestamp" >= :start AND "timestamp" < :end
        AND (CAST(:flag AS text) IS NULL OR qc_flags @> ARRAY[CAST(:flag AS text)])
    ORDER BY "timestamp" DESC, city LIMIT :most
    """  # noqa: S608 - names of our own, as below
)
_RAW = text(
    f"""
    SELECT source, {_VALUES}, weather, segment, byte_offset
    FROM raw_readings JOIN ingest_segments USING (segment_no)
    WHERE city = :city AND "timestamp" = :timestamp ORDER BY source
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which readings: of a city (None = all), in [start, end), with a flag (None = any or none)."""

    start: datetime
    end: datetime
    city: str | None = None
    flag: str | None = None
    most: int = 20


@dataclass(frozen=True, slots=True)
class RawLine:
    """A raw reading, and where its line stands in the log."""

    source: str
    values: dict[str, float | None]
    weather: str | None
    segment: str
    offset: int


@dataclass(frozen=True, slots=True)
class Traced:
    """A cleaned reading, and all raw ones of its time."""

    city: str
    timestamp: datetime
    source: str
    values: dict[str, float | None]
    weather: str | None
    verdict: int
    """QARTOD: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing."""
    flags: tuple[str, ...]
    imputed: tuple[str, ...]
    imputation: str | None
    raw: tuple[RawLine, ...]
    """Empty where raw readings of that time are no longer kept."""


def trace(connection: Connection, asked: Asked) -> Iterator[Traced]:
    """The cleaned readings that were asked for, the newest first, with their raw lines."""
    where = {
        "city": asked.city,
        "flag": asked.flag,
        "start": asked.start,
        "end": asked.end,
        "most": asked.most,
    }
    for row in connection.execute(_CLEAN, where).all():
        found = connection.execute(_RAW, {"city": row.city, "timestamp": row.timestamp})
        yield Traced(
            row.city,
            row.timestamp,
            row.source,
            {name: getattr(row, name) for name in MEASURES},
            row.weather,
            row.qc_verdict,
            tuple(row.qc_flags),
            tuple(row.imputed),
            row.imputation,
            tuple(
                RawLine(
                    raw.source,
                    {name: getattr(raw, name) for name in MEASURES},
                    raw.weather,
                    raw.segment,
                    int(raw.byte_offset),
                )
                for raw in found
            ),
        )
