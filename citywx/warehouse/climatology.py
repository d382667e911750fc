"""Each city's usual ranges by calendar month, as versions: the greatest of a city is in force.

What is usual is decided in `citywx.weather.soft_limits`. A version is made only when a limit has
moved by more than noise; the days that it judges anew become dirty windows, which cleaning takes
like those of new readings.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import Connection, bindparam, func, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from citywx.warehouse.locks import lock_for_transaction
from citywx.warehouse.retention import first_day_with_raw
from citywx.warehouse.tables import climatology, climatology_versions
from citywx.warehouse.watermarks import read_watermark
from citywx.weather.climatology import MONTHS, Climatology
from citywx.weather.reading import MEASURES
from citywx.weather.soft_limits import COLUMNS, soft_limits

_NOISE = 0.5
"""°C, %, hPa or m/s by which a limit may move without being another one."""

_DOUBTS_OF_NO_VALUE = ("IMPUTED", "LATE")
_OF_LIMITS = ("TEMPERATURE_CLIMATE", "PRESSURE_CLIMATE", "WIND_CLIMATE")
"""Were values beyond the limits left out, each version would be narrower than the one before."""

_REPORTED = ", ".join(
    f"CASE WHEN '{name}' = ANY(imputed) THEN NULL ELSE {name} END AS {name}" for name in MEASURES
)
_HISTORY = text(
    f"""
    SELECT DISTINCT ON (date_bin('1 hour', "timestamp", '2000-01-01T00:00Z')) "timestamp",
        {_REPORTED}
    FROM weather_readings
    WHERE city = :city
      AND (qc_verdict = 1 OR qc_verdict = 3 AND qc_flags <@ CAST(:harmless AS text[]))
    ORDER BY date_bin('1 hour', "timestamp", '2000-01-01T00:00Z'), "timestamp"
    """  # noqa: S608 - names of our own
).bindparams(bindparam("harmless", type_=ARRAY(TEXT)))

_DIRTY = text("""
    INSERT INTO dirty_windows (
        city, day, first_timestamp, last_timestamp, segment_no, byte_offset
    )
    SELECT city, day, min("timestamp"), max("timestamp"), :segment_no, :byte_offset
    FROM (
        SELECT city, "timestamp", CAST("timestamp" AT TIME ZONE 'UTC' AS date) AS day
        FROM raw_readings
        WHERE city = :city AND "timestamp" >= coalesce(CAST(:first AS date), '-infinity')
    ) AS kept
    WHERE extract(month FROM day) = ANY(CAST(:months AS integer[]))
    GROUP BY city, day
""")


@dataclass(frozen=True, slots=True)
class ClimatologyResult:
    """What came of asking for a city's climatology."""

    version: int
    """The one in force; 0 while there is too little history for any."""
    months: tuple[int, ...] = ()
    """Calendar months whose limits changed, if the version is new."""
    dirty_days: int = 0


def current_limits(connection: Connection, city: str) -> pd.DataFrame:
    """The limits in force: `citywx.weather.soft_limits.COLUMNS`; empty where there are none."""
    of_city = climatology.c.city == city
    newest = select(func.max(climatology_versions.c.version)).where(
        climatology_versions.c.city == city
    )
    rows = connection.execute(
        select(*(climatology.c[name] for name in COLUMNS)).where(
            of_city, climatology.c.version == newest.scalar_subquery()
        )
    )
    return pd.DataFrame(rows.all(), columns=list(COLUMNS))


def current_climatology(connection: Connection, city: str) -> Climatology | None:
    """The limits in force, as cleaning wants them; None for a city without any."""
    limits = current_limits(connection, city)
    if limits.empty:
        return None
    known = Climatology(
        low={name: np.full(MONTHS, np.nan) for name in MEASURES},
        high={name: np.full(MONTHS, np.nan) for name in MEASURES},
    )
    for month, measure, low, high, _ in limits.itertuples(index=False):
        known.low[measure][month - 1] = low
        known.high[measure][month - 1] = high
    return known


def update_climatology(connection: Connection, city: str) -> ClimatologyResult:
    """Compute a city's limits anew; where one has moved, store them as its next version."""
    lock_for_transaction(connection, f"climatology {city}")
    versions = climatology_versions.c
    before = select(func.coalesce(func.max(versions.version), 0)).where(versions.city == city)
    version = int(connection.execute(before).scalar_one())
    history = _history(connection, city)
    limits = soft_limits(history)
    months = changed_months(current_limits(connection, city), limits)
    if not months:
        return ClimatologyResult(version)
    key = {"city": city, "version": version + 1}
    days = history["timestamp"].dt.date
    connection.execute(
        insert(climatology_versions).values(**key, first_day=days.iloc[0], last_day=days.iloc[-1])
    )
    if not limits.empty:
        rows = (
            zip(COLUMNS, row, strict=True) for row in limits[list(COLUMNS)].itertuples(index=False)
        )
        connection.execute(insert(climatology), [key | dict(row) for row in rows])
    return ClimatologyResult(version + 1, months, _make_dirty(connection, city, months))


def changed_months(before: pd.DataFrame, after: pd.DataFrame) -> tuple[int, ...]:
    """The calendar months in which a limit appeared, went, or moved by more than noise."""
    both = before.merge(after, on=["month", "measure"], how="outer", suffixes=("_before", "_after"))
    moved = pd.Series(data=False, index=both.index)
    for limit in ("low", "high"):
        moved |= ~((both[f"{limit}_after"] - both[f"{limit}_before"]).abs() <= _NOISE)
    return tuple(sorted(int(month) for month in both.loc[moved, "month"].unique()))


def _history(connection: Connection, city: str) -> pd.DataFrame:
    """The values that passed, of at most one reading an hour: limits need no more."""
    harmless = [*_DOUBTS_OF_NO_VALUE, *_OF_LIMITS]
    rows = connection.execute(_HISTORY, {"city": city, "harmless": harmless})
    history = pd.DataFrame(rows.all(), columns=["timestamp", *MEASURES])
    history["timestamp"] = pd.to_datetime(history["timestamp"], utc=True)
    return history.astype(dict.fromkeys(MEASURES, "float64"))


def _make_dirty(connection: Connection, city: str, months: Collection[int]) -> int:
    """Ask for all days of these calendar months to be cleaned that still can be."""
    loaded = read_watermark(connection, "loaded_through")
    if loaded is None:
        return 0
    place = {"segment_no": loaded.segment_no, "byte_offset": loaded.byte_offset}
    span = {"city": city, "first": first_day_with_raw(connection), "months": list(months)}
    return connection.execute(_DIRTY, place | span).rowcount
