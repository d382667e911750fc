"""What is usual in each city, as versions: the greatest of a city is in force.

What is usual is learnt by `citywx.weather.climatology`. A version is made only when something has
moved by more than noise; the days that it judges anew become dirty windows, which cleaning takes
like those of new readings. What was learnt once stays where the history that is left says nothing.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from sqlalchemy import Connection, bindparam, func, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from citywx.warehouse.locks import lock_for_transaction
from citywx.warehouse.retention import first_day_with_raw, first_with_context
from citywx.warehouse.tables import climatology, climatology_versions
from citywx.warehouse.watermarks import read_watermark
from citywx.weather.climatology import MONTHS, RANGED, Climatology, learn_climatology
from citywx.weather.quality.series import Floats
from citywx.weather.reading import MEASURES

LEAST_DAYS = 60
"""With fewer days in a month and its two neighbours, over all years, a city has no limits in it."""

_NOISE = 0.5  # °C, hPa, m/s, or K an hour by which a value may move without being another one
_NOISE_OF_ROUGHNESS = 0.2  # of the greater of the two

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
        WHERE city = :city AND "timestamp" >= CAST(:first AS date)
    ) AS kept
    WHERE extract(month FROM day) = ANY(CAST(:months AS integer[]))
    GROUP BY city, day
""")


@dataclass(frozen=True, slots=True)
class ClimatologyResult:
    """What came of learning a city's climatology anew."""

    version: int
    """The one in force; 0 while there is too little history for any."""
    months: tuple[int, ...] = ()
    """Calendar months in which it differs from the one before, if the version is new."""
    dirty_days: int = 0


def current_climatology(connection: Connection, city: str) -> Climatology | None:
    """What is usual in a city by the version in force; None where nothing is known."""
    columns = climatology_versions.c
    newest = (
        select(columns.learnt).where(columns.city == city).order_by(columns.version.desc()).limit(1)
    )
    learnt = connection.execute(newest).scalar_one_or_none()
    return None if learnt is None else Climatology.from_json(learnt)


def update_climatology(
    connection: Connection, city: str, *, history_start: date = date.min
) -> ClimatologyResult:
    """Learn what is usual in a city; where it has moved, store it as the next version.

    Days before `history_start` are not asked to be cleaned again.
    """
    lock_for_transaction(connection, f"climatology {city}")
    kept = first_day_with_raw(connection)  # before the history is read: see `keep_months`
    versions = climatology_versions.c
    greatest = select(func.coalesce(func.max(versions.version), 0)).where(versions.city == city)
    version = int(connection.execute(greatest).scalar_one())
    history = _history(connection, city)
    before = current_climatology(connection, city) or Climatology.unknown()
    learnt = with_enough_history(learn_climatology(history), history["timestamp"])
    after = with_known(learnt, before)
    months = changed_months(before, after)
    if not months:
        return ClimatologyResult(version)
    _store(connection, city, version + 1, after, history)
    first = history_start if kept is None else max(history_start, first_with_context(kept))
    return ClimatologyResult(version + 1, months, _make_dirty(connection, city, months, first))


def with_enough_history(learnt: Climatology, times: "pd.Series[pd.Timestamp]") -> Climatology:
    """The same without the limits of months whose season has fewer than LEAST_DAYS days."""
    days, months = times.dt.floor("D"), times.dt.month
    few = np.array(
        [
            days[((months - 1 - month) % MONTHS).isin((0, 1, MONTHS - 1))].nunique() < LEAST_DAYS
            for month in range(MONTHS)
        ]
    )
    return Climatology(
        low={name: np.where(few, np.nan, values) for name, values in learnt.low.items()},
        high={name: np.where(few, np.nan, values) for name, values in learnt.high.items()},
        roughness=learnt.roughness,
        trend=learnt.trend,
    )


def with_known(learnt: Climatology, before: Climatology) -> Climatology:
    """The same, and `before` where nothing is known: retention may drop whole seasons."""
    return Climatology(
        low=_known(learnt.low, before.low),
        high=_known(learnt.high, before.high),
        roughness=_known(learnt.roughness, before.roughness),
        trend=_or_else(learnt.trend, before.trend),
    )


def _known(new: Mapping[str, Floats], old: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: _or_else(values, old[name]) for name, values in new.items()}


def _or_else(new: Floats, old: Floats) -> Floats:
    return np.where(np.isnan(new), old, new)


def changed_months(before: Climatology, after: Climatology) -> tuple[int, ...]:
    """The calendar months in which a value appeared, went, or moved by more than noise."""
    changed = np.zeros(MONTHS, dtype=bool)
    for old, new, noise in _pairs(before, after):
        appeared = np.isnan(old) != np.isnan(new)
        moved = appeared | (np.abs(new - old) > noise)
        changed |= moved.reshape(MONTHS, -1).any(axis=1)
    return tuple(int(month) + 1 for month in np.nonzero(changed)[0])


def _pairs(
    before: Climatology, after: Climatology
) -> Iterator[tuple[Floats, Floats, Floats | float]]:
    """What is compared: old, new, and how far they may be apart."""
    for name in RANGED:
        yield before.low[name], after.low[name], _NOISE
        yield before.high[name], after.high[name], _NOISE
    for name, new in after.roughness.items():
        old = before.roughness[name]
        yield old, new, _NOISE_OF_ROUGHNESS * np.fmax(old, new)
    yield before.trend, after.trend, _NOISE


def _history(connection: Connection, city: str) -> pd.DataFrame:
    """The values that passed, of at most one reading an hour: what is usual needs no more."""
    harmless = [*_DOUBTS_OF_NO_VALUE, *_OF_LIMITS]
    rows = connection.execute(_HISTORY, {"city": city, "harmless": harmless})
    history = pd.DataFrame(rows.all(), columns=["timestamp", *MEASURES])
    history["timestamp"] = pd.to_datetime(history["timestamp"], utc=True)
    return history.astype(dict.fromkeys(MEASURES, "float64"))


def _store(
    connection: Connection, city: str, version: int, learnt: Climatology, history: pd.DataFrame
) -> None:
    days, months = history["timestamp"].dt.date, history["timestamp"].dt.month
    key = {"city": city, "version": version}
    span = {"first_day": days.min(), "last_day": days.max()}
    connection.execute(insert(climatology_versions).values(**key, **span, learnt=learnt.to_json()))
    rows = [
        key
        | {
            "month": month + 1,
            "measure": measure,
            "low": float(learnt.low[measure][month]),
            "high": float(learnt.high[measure][month]),
            "readings": int((history[measure].notna() & (months == month + 1)).sum()),
        }
        for measure in RANGED
        for month in range(MONTHS)
        if not np.isnan(learnt.low[measure][month])
    ]
    if rows:
        connection.execute(insert(climatology), rows)


def _make_dirty(connection: Connection, city: str, months: Collection[int], first: date) -> int:
    """Ask for all days of these calendar months to be cleaned that still can be."""
    loaded = read_watermark(connection, "loaded_through")
    if loaded is None:
        return 0
    place = {"segment_no": loaded.segment_no, "byte_offset": loaded.byte_offset}
    span = {"city": city, "first": first, "months": list(months)}
    return connection.execute(_DIRTY, place | span).rowcount
