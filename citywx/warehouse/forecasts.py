"""What forecasts read and leave in PostgreSQL.

The history that is read is bounded, however fast readings come in: one reading in ten minutes for
15 days, and around each moment at which a past forecast is made again, the readings as they stood.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pandas as pd
from sqlalchemy import ColumnElement, Connection, delete, func, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from citywx.warehouse.tables import city_predictions
from citywx.weather.city import City
from citywx.weather.forecasting.backtest import DAYS, origins
from citywx.weather.forecasting.forecast import Forecast
from citywx.weather.quality.flags import QcFlag

_SPAN = timedelta(days=DAYS + 1)
_KEY = ("city", "variable", "issue_time", "target_time", "method")

_FLAG = {"temperature_c": QcFlag.TEMPERATURE_RANGE, "humidity": QcFlag.HUMIDITY_RANGE}

_LATEST = text('SELECT max("timestamp") FROM weather_readings WHERE city = :city')

# 75 rows around each moment: the trend takes 50 values, and some rows lack one.
_HISTORY = text("""
    SELECT "timestamp", temperature_c, humidity, qc_flags
    FROM generate_series(
        CAST(:latest AS timestamptz) - CAST(:span AS interval), :latest, interval '10 minutes'
    ) AS moment
    CROSS JOIN LATERAL (
        SELECT * FROM weather_readings
        WHERE city = :city AND "timestamp" > moment - interval '10 minutes'
          AND "timestamp" <= moment
        ORDER BY "timestamp" DESC LIMIT 1
    ) AS thinned
    UNION
    SELECT "timestamp", temperature_c, humidity, qc_flags
    FROM unnest(CAST(:moments AS timestamptz[])) AS moment
    CROSS JOIN LATERAL (
        (SELECT * FROM weather_readings WHERE city = :city AND "timestamp" <= moment
         ORDER BY "timestamp" DESC LIMIT 75)
        UNION ALL
        (SELECT * FROM weather_readings WHERE city = :city AND "timestamp" > moment
         ORDER BY "timestamp" LIMIT 1)
    ) AS around
    ORDER BY "timestamp"
""")


def forecast_history(connection: Connection, city: City) -> pd.DataFrame:
    """The readings of one city that its forecasts need: `timestamp`, the variables, `qc_flags`.

    Values outside their hard range are missing: what cannot be weather forecasts none.
    """
    latest = connection.execute(_LATEST, {"city": city.name}).scalar()
    if latest is None:
        return pd.DataFrame(columns=["timestamp", "temperature_c", "humidity", "qc_flags"])
    moments = [datetime.fromtimestamp(moment, UTC) for moment in origins(latest.timestamp())]
    rows = connection.execute(
        _HISTORY,
        {"city": city.name, "latest": latest, "span": _SPAN, "moments": [*moments, latest]},
    )
    frame = pd.DataFrame(rows.all(), columns=["timestamp", *_FLAG, "qc_flags"])
    believed = {
        variable: frame[variable].astype("float64").mask(_flagged(frame, flag.name))
        for variable, flag in _FLAG.items()
    }
    return frame.assign(timestamp=pd.to_datetime(frame["timestamp"], utc=True), **believed)


def save_forecasts(connection: Connection, forecasts: Sequence[Forecast]) -> None:
    """Insert or update; of the forecasts that a city issued within one hour the latest stay."""
    if not forecasts:
        return
    connection.execute(delete(city_predictions).where(_same_hour(forecasts)))
    statement = insert(city_predictions).values([asdict(forecast) for forecast in forecasts])
    changing = {
        column.name: statement.excluded[column.name]
        for column in city_predictions.columns
        if column.name not in _KEY
    }
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=_KEY, set_=changing | {"created_at": func.now()}
        )
    )


def _flagged(frame: pd.DataFrame, flag: str) -> "pd.Series[bool]":
    return frame["qc_flags"].map(lambda names: flag in names).astype(bool)


def _same_hour(forecasts: Sequence[Forecast]) -> ColumnElement[bool]:
    issued = {(forecast.city, forecast.issue_time) for forecast in forecasts}
    hours = [(city, moment.replace(minute=0, second=0, microsecond=0)) for city, moment in issued]
    hour = func.date_trunc("hour", city_predictions.c.issue_time, "UTC")
    return tuple_(city_predictions.c.city, hour).in_(hours) & tuple_(
        city_predictions.c.city, city_predictions.c.issue_time
    ).not_in(list(issued))
