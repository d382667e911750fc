"""The readings that summaries of local days are made of, and where the summaries are kept."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

import pandas as pd
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from citywx.warehouse.tables import daily_summaries, weather_readings
from citywx.weather.city import City
from citywx.weather.reading import MEASURES
from citywx.weather.summaries import Period, PeriodSummary, period_bounds

_KEY = ("city", "local_date", "period")
_ROWS_A_STATEMENT = 1000  # PostgreSQL takes 65,535 parameters in one


def readings_of_days(connection: Connection, city: City, days: Sequence[date]) -> pd.DataFrame:
    """The cleaned readings of one city from the first to the last of these local days."""
    start, _ = period_bounds(city, min(days), Period.DAY)
    _, end = period_bounds(city, max(days), Period.DAY)
    columns = weather_readings.c
    names = ("timestamp", "city", *MEASURES, "weather")
    query = (
        select(*(columns[name] for name in names))
        .where(columns.city == city.name, columns.timestamp >= start, columns.timestamp < end)
        .order_by(columns.timestamp)
    )
    frame = pd.DataFrame(connection.execute(query).all(), columns=list(names))
    measures = {name: frame[name].astype("float64") for name in MEASURES}
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"], utc=True), **measures)


def local_days(city: City, utc_days: Sequence[date]) -> list[date]:
    """The local days of a city that share a moment with any of these UTC days, in order.

    >>> local_days(City("Tokyo", time_zone="Asia/Tokyo"), [date(2026, 3, 1)])
    [datetime.date(2026, 3, 1), datetime.date(2026, 3, 2)]
    """
    near = {day + timedelta(days=shift) for day in utc_days for shift in (-1, 0, 1)}
    wanted = set(utc_days)
    return sorted(day for day in near if not wanted.isdisjoint(_utc_days(city, day)))


def save_summaries(connection: Connection, summaries: Sequence[PeriodSummary]) -> None:
    """Insert or update one row per city, local day and period."""
    rows = [asdict(summary) | {"advice": list(summary.advice)} for summary in summaries]
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        statement = insert(daily_summaries).values(rows[start : start + _ROWS_A_STATEMENT])
        changing = {
            column.name: statement.excluded[column.name]
            for column in daily_summaries.columns
            if column.name not in (*_KEY, "created_at")
        }
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=_KEY, set_=changing | {"created_at": func.now()}
            )
        )


def _utc_days(city: City, local_day: date) -> set[date]:
    start, end = period_bounds(city, local_day, Period.DAY)
    last = end - timedelta(microseconds=1)
    return {start.date() + timedelta(days=n) for n in range((last.date() - start.date()).days + 1)}
