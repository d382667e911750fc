"""Cleaned rows of some spans of time into `weather_readings`: what differs is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from citywx.warehouse import copy_binary
from citywx.warehouse.copy_binary import Field, copy_fields
from citywx.warehouse.copy_in import create_stage
from citywx.warehouse.partitions import ensure_months
from citywx.weather.cleaning import CLEAN_COLUMNS
from citywx.weather.quality.flags import flag_names, measure_names
from citywx.weather.reading import MEASURES

_TABLE, _STAGE = "weather_readings", "staged_clean"
_STAGE_COLUMNS = """
    "timestamp" timestamptz, city text,
    temperature_c double precision, humidity double precision, pressure double precision,
    wind_speed double precision, weather text,
    mod_high_temp boolean, temp_message text, low_temp boolean,
    source text, qc_flags text[], imputed text[],
    qc_verdict smallint, imputation text, qc_version smallint
"""
_VALUES = ", ".join(f'"{name}"' for name in CLEAN_COLUMNS)
_SPANS = """
    unnest(
        CAST(:cities AS text[]), CAST(:firsts AS timestamptz[]), CAST(:lasts AS timestamptz[])
    ) AS span (city, first, last)
"""
_ANY_STORED = text(
    f"""
    SELECT EXISTS (
        SELECT FROM {_SPANS}
        CROSS JOIN LATERAL (
            SELECT FROM {_TABLE} AS old
            WHERE old.city = span.city AND old."timestamp" BETWEEN span.first AND span.last
                AND old."timestamp" BETWEEN :first AND :last
            LIMIT 1
        ) AS stored
    )
    """  # noqa: S608 - names of our own, as below
)
_MERGE = text(
    f"""
    WITH written AS (
        INSERT INTO {_TABLE} ({_VALUES})
        SELECT new.*
        FROM {_STAGE} AS new
        LEFT JOIN {_TABLE} AS old
            ON old.city = new.city AND old."timestamp" = new."timestamp"
            AND old."timestamp" BETWEEN :first AND :last
        WHERE old.city IS NULL
            OR ({", ".join(f'old."{name}"' for name in CLEAN_COLUMNS)})
                IS DISTINCT FROM ({", ".join(f'new."{name}"' for name in CLEAN_COLUMNS)})
        ORDER BY new.city, new."timestamp"
        ON CONFLICT (city, "timestamp") DO UPDATE SET
            {", ".join(f'"{name}" = excluded."{name}"' for name in CLEAN_COLUMNS)},
            cleaned_at = now()
        RETURNING 1
    ), removed AS (
        DELETE FROM {_TABLE} AS old
        USING {_SPANS}
        WHERE old.city = span.city AND old."timestamp" BETWEEN span.first AND span.last
            AND old."timestamp" BETWEEN :first AND :last
            AND NOT EXISTS (
                SELECT FROM {_STAGE} AS new
                WHERE new.city = old.city AND new."timestamp" = old."timestamp"
            )
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM written) AS written, (SELECT count(*) FROM removed) AS removed
    """  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one city's time, both ends included."""

    city: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class MergedClean:
    """What the merge did."""

    written: int
    removed: int


def merge_clean(connection: Connection, spans: Sequence[Span], clean: pd.DataFrame) -> MergedClean:
    """Make `clean` (CLEAN_COLUMNS) the rows that the spans have; each city has one span."""
    months = clean["timestamp"].dt.tz_localize(None).dt.to_period("M").unique()
    ensure_months(connection, _TABLE, (month.start_time.date() for month in months))
    where = {
        "cities": [span.city for span in spans],
        "firsts": [span.first for span in spans],
        "lasts": [span.last for span in spans],
        # Once more for all, so that only the months between are looked into.
        "first": min(span.first for span in spans),
        "last": max(span.last for span in spans),
    }
    if not connection.execute(_ANY_STORED, where).scalar_one():
        copy_fields(connection, _TABLE, _fields(clean))
        return MergedClean(written=len(clean), removed=0)
    create_stage(connection, _STAGE, _STAGE_COLUMNS)
    copy_fields(connection, _STAGE, _fields(clean))
    connection.execute(text(f"ANALYZE {_STAGE}"))
    row = connection.execute(_MERGE, where).one()
    connection.execute(text(f"TRUNCATE {_STAGE}"))
    return MergedClean(row.written, row.removed)


def _fields(clean: pd.DataFrame) -> dict[str, Field]:
    made: dict[str, Field] = {
        "timestamp": copy_binary.moments(_micros(clean["timestamp"])),
        **{name: copy_binary.numbers(clean[name].to_numpy("float64")) for name in MEASURES},
        **{name: _flags(clean[name]) for name in ("mod_high_temp", "low_temp")},
        "qc_flags": _names(clean["qc_flags"], flag_names),
        "imputed": _names(clean["imputed"], measure_names),
        **{
            name: copy_binary.integers(clean[name].to_numpy("int64"), ">i2")
            for name in ("qc_verdict", "qc_version")
        },
    }
    for name in ("city", "weather", "temp_message", "source", "imputation"):
        made[name] = _texts(clean[name])
    return {name: made[name] for name in CLEAN_COLUMNS}


def _micros(times: "pd.Series[pd.Timestamp]") -> NDArray[np.int64]:
    return times.astype("datetime64[us, UTC]").astype("int64").to_numpy().astype(np.int64)


def _flags(values: "pd.Series[bool]") -> Field:
    return copy_binary.flags(values.to_numpy("bool", na_value=False), values.isna().to_numpy())


def _texts(values: "pd.Series[str]") -> Field:
    codes, distinct = pd.factorize(values)
    return copy_binary.texts(codes, [*distinct, None])  # the code of a missing one is −1: the last


def _names(masks: "pd.Series[int]", names_of: Callable[[int], tuple[str, ...]]) -> Field:
    distinct, codes = np.unique(masks.to_numpy("int64"), return_inverse=True)
    return copy_binary.text_arrays(codes, [names_of(mask) for mask in distinct.tolist()])
