"""Cleaned rows of a city and span of time into `weather_readings`: what differs is written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from citywx.warehouse.copy_in import (
    copy_flag,
    copy_lines,
    copy_names,
    copy_number,
    copy_text,
    copy_time,
    create_stage,
)
from citywx.warehouse.partitions import ensure_months
from citywx.weather.cleaning import CLEAN_COLUMNS
from citywx.weather.reading import MEASURES

_STAGE = "staged_clean"
_STAGE_COLUMNS = """
    "timestamp" timestamptz, city text,
    temperature_c double precision, humidity double precision, pressure double precision,
    wind_speed double precision, weather text,
    mod_high_temp boolean, temp_message text, low_temp boolean,
    source text, qc_flags text[], imputed text[]
"""
_FORMATS: dict[str, Callable[[Any], str]] = {
    "timestamp": copy_time,
    **dict.fromkeys(MEASURES, copy_number),
    **dict.fromkeys(("mod_high_temp", "low_temp"), copy_flag),
    **dict.fromkeys(("city", "weather", "temp_message", "source"), copy_text),
    **dict.fromkeys(("qc_flags", "imputed"), copy_names),
}
_VALUES = ", ".join(f'"{name}"' for name in CLEAN_COLUMNS)
_MERGE = text(
    f"""
    WITH written AS (
        INSERT INTO weather_readings ({_VALUES})
        SELECT new.*
        FROM staged_clean AS new
        LEFT JOIN weather_readings AS old
            ON old.city = :city AND old."timestamp" = new."timestamp"
            AND old."timestamp" BETWEEN :first AND :last
        WHERE old.city IS NULL
            OR ({", ".join(f'old."{name}"' for name in CLEAN_COLUMNS)})
                IS DISTINCT FROM ({", ".join(f'new."{name}"' for name in CLEAN_COLUMNS)})
        ORDER BY new."timestamp"
        ON CONFLICT (city, "timestamp") DO UPDATE SET
            {", ".join(f'"{name}" = excluded."{name}"' for name in CLEAN_COLUMNS)},
            cleaned_at = now()
        RETURNING 1
    ), removed AS (
        DELETE FROM weather_readings AS old
        WHERE city = :city AND "timestamp" BETWEEN :first AND :last
            AND NOT EXISTS (
                SELECT FROM staged_clean AS new WHERE new."timestamp" = old."timestamp"
            )
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM written) AS written, (SELECT count(*) FROM removed) AS removed
    """  # noqa: S608 - column names of our own
)


@dataclass(frozen=True, slots=True)
class MergedClean:
    """What the merge did."""

    written: int
    removed: int


def merge_clean(
    connection: Connection, city: str, first: datetime, last: datetime, clean: pd.DataFrame
) -> MergedClean:
    """Make `clean` (CLEAN_COLUMNS) the rows that the city has from `first` to `last`, inclusive."""
    days = clean["timestamp"].dt.tz_localize(None).dt.to_period("M").unique()
    ensure_months(connection, "weather_readings", (month.start_time.date() for month in days))
    create_stage(connection, _STAGE, _STAGE_COLUMNS)
    copy_lines(connection, _STAGE, _stage_lines(clean))
    connection.execute(text(f"ANALYZE {_STAGE}"))
    row = connection.execute(_MERGE, {"city": city, "first": first, "last": last}).one()
    connection.execute(text(f"TRUNCATE {_STAGE}"))
    return MergedClean(row.written, row.removed)


def _stage_lines(clean: pd.DataFrame) -> Iterator[str]:
    columns = []
    for name in CLEAN_COLUMNS:
        values = clean[name].astype(object)
        known = values.where(clean[name].notna(), None)
        columns.append([_FORMATS[name](value) for value in known])
    for fields in zip(*columns, strict=True):
        yield "\t".join(fields) + "\n"
