"""Cleaned rows of a city and span of time into `weather_readings`: what differs is written."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
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
_ANY_STORED = text(
    """
    SELECT EXISTS (
        SELECT FROM weather_readings
        WHERE city = :city AND "timestamp" BETWEEN :first AND :last
    )
    """
)
_MERGE = text(
    f"""
    WITH written AS (
        INSERT INTO {_TABLE} ({_VALUES})
        SELECT new.*
        FROM {_STAGE} AS new
        LEFT JOIN {_TABLE} AS old
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
        DELETE FROM {_TABLE} AS old
        WHERE city = :city AND "timestamp" BETWEEN :first AND :last
            AND NOT EXISTS (
                SELECT FROM {_STAGE} AS new WHERE new."timestamp" = old."timestamp"
            )
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM written) AS written, (SELECT count(*) FROM removed) AS removed
    """  # noqa: S608 - names of our own
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
    span = {"city": city, "first": first, "last": last}
    months = clean["timestamp"].dt.tz_localize(None).dt.to_period("M").unique()
    ensure_months(connection, _TABLE, (month.start_time.date() for month in months))
    if not connection.execute(_ANY_STORED, span).scalar_one():
        copy_fields(connection, _TABLE, _fields(clean))
        return MergedClean(written=len(clean), removed=0)
    create_stage(connection, _STAGE, _STAGE_COLUMNS)
    copy_fields(connection, _STAGE, _fields(clean))
    connection.execute(text(f"ANALYZE {_STAGE}"))
    row = connection.execute(_MERGE, span).one()
    connection.execute(text(f"TRUNCATE {_STAGE}"))
    return MergedClean(row.written, row.removed)


def _fields(clean: pd.DataFrame) -> dict[str, Field]:
    made: dict[str, Field] = {
        "timestamp": copy_binary.moments(clean["timestamp"].astype("int64").to_numpy("int64")),
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


def _flags(values: "pd.Series[bool]") -> Field:
    return copy_binary.flags(values.to_numpy("bool", na_value=False), values.isna().to_numpy())


def _texts(values: "pd.Series[str]") -> Field:
    codes, distinct = pd.factorize(values)
    return copy_binary.texts(codes, [*distinct, None])  # the code of a missing one is −1: the last


def _names(masks: "pd.Series[int]", names_of: Callable[[int], tuple[str, ...]]) -> Field:
    distinct, codes = np.unique(masks.to_numpy("int64"), return_inverse=True)
    return copy_binary.text_arrays(codes, [names_of(mask) for mask in distinct.tolist()])
