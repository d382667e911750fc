"""What a mail says of one city: looked up with indexed queries, and put into words.

How it is laid out stands in the templates. Values that are missing are left out; a city without
readings says so.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, select, text

from citywx.warehouse.tables import cities, daily_summaries
from citywx.weather.advice import build_advice
from citywx.weather.city import City
from citywx.weather.comfort import BEAUFORT_NAMES, beaufort
from citywx.weather.reading import MEASURES, Reading
from citywx.weather.summaries import (
    Period,
    PeriodSummary,
    believable,
    period_bounds,
    summarise_periods,
)

_STALE = timedelta(hours=3)
_ALERTS_SHOWN = 5
_ALERTS_SINCE = timedelta(hours=24)
_UNITS = {"temperature_c": "°C", "humidity": "%"}
_NAMES = {"temperature_c": "Temperature", "humidity": "Humidity"}


@dataclass(frozen=True, slots=True)
class Window:
    """A time and the weather in it, in words."""

    title: str
    headline: str
    details: tuple[str, ...]
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CityNews:
    """All that a mail says of one city."""

    name: str
    windows: tuple[Window, ...]
    """Current first; then, in a summary, Morning and Evening."""
    tomorrow: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    note: str | None = None
    """What its reader should know about the data."""


def load_city(connection: Connection, name: str) -> City:
    """The city as the table has it; one that is not there any more counts its days in UTC."""
    row = connection.execute(select(cities).where(cities.c.name == name)).one_or_none()
    return City(name) if row is None else City(name, row.country, time_zone=row.time_zone)


def current_news(connection: Connection, city: City, *, now: datetime | None) -> CityNews:
    """The current conditions of a city, for confirmations and welcomes.

    `now` tells whether they are old; None in a replay, whose clock is its latest reading.
    """
    latest = _latest(connection, city)
    return CityNews(city.name, _current(latest, city), note=_note(latest, city, now))


def daily_news(connection: Connection, city: City, *, now: datetime | None) -> CityNews:
    """Current, Morning and Evening of a city with tomorrow's prediction and the day's alerts."""
    latest = _latest(connection, city)
    moment = now or (latest.timestamp if latest else None)
    if moment is None:
        return CityNews(city.name, (), note=_note(latest, city, now))
    periods = (
        _window(connection, city, period, moment) for period in (Period.MORNING, Period.EVENING)
    )
    return CityNews(
        city.name,
        (*_current(latest, city), *periods),
        tomorrow=_tomorrow(connection, city, moment),
        alerts=_alerts(connection, city, moment),
        note=_note(latest, city, now),
    )


_LATEST = text(
    """
    (SELECT "timestamp", city, temperature_c, humidity, pressure, wind_speed, weather, source
     FROM weather_readings WHERE city = :city ORDER BY "timestamp" DESC LIMIT 1)
    UNION ALL
    (SELECT "timestamp", city, temperature_c, humidity, pressure, wind_speed, weather, source
     FROM live_readings WHERE city = :city ORDER BY "timestamp" DESC LIMIT 1)
    ORDER BY "timestamp" DESC LIMIT 1
    """
)

_IN_PERIOD = text(  # at most one a minute: sources may be far faster, and a mean needs no more
    """
    SELECT DISTINCT ON (date_trunc('minute', "timestamp"))
           "timestamp", city, temperature_c, humidity, pressure, wind_speed, weather
    FROM current_readings
    WHERE city = :city AND "timestamp" >= :start AND "timestamp" < :end AND "timestamp" <= :now
    ORDER BY date_trunc('minute', "timestamp"), "timestamp"
    """
)

_PREDICTIONS = text(
    """
    SELECT DISTINCT ON (variable) variable, value, mae, skill, note
    FROM city_predictions
    WHERE city = :city AND horizon = 'tomorrow' AND issue_time > :since AND value IS NOT NULL
    ORDER BY variable DESC, issue_time DESC, method = 'linear_trend' DESC, method
    """
)

_FIRED = text(
    """
    SELECT observed_at, message FROM alert_events
    WHERE city = :city AND event = 'fired' AND observed_at > :since AND observed_at <= :now
    ORDER BY observed_at DESC LIMIT :most
    """
)


def _latest(connection: Connection, city: City) -> Reading | None:
    row = connection.execute(_LATEST, {"city": city.name}).one_or_none()
    return None if row is None else believable(Reading(**row._mapping))  # noqa: SLF001 - SQLAlchemy's public name


def _current(latest: Reading | None, city: City) -> tuple[Window, ...]:
    if latest is None:
        return ()
    local = latest.timestamp.astimezone(city.zone)
    details = (
        _value(latest.humidity, "{:.0f} % humidity"),
        _value(latest.pressure, "{:.0f} hPa"),
        None if latest.wind_speed is None else _wind(latest.wind_speed),
    )
    return (
        Window(
            title=f"Current · {local:%a %d %b, %H:%M}",
            headline=_joined(_value(latest.temperature_c, "{:.1f} °C"), latest.weather),
            details=tuple(detail for detail in details if detail),
            advice=tuple(advice.text for advice in build_advice(latest)),
        ),
    )


def _note(latest: Reading | None, city: City, now: datetime | None) -> str | None:
    if latest is None:
        return f"There are no readings of {city.name} yet."
    if now is not None and now - latest.timestamp > _STALE:
        local = latest.timestamp.astimezone(city.zone)
        return f"No reading since {local:%d %B, %H:%M}: what follows may be out of date."
    return None


def _window(connection: Connection, city: City, period: Period, moment: datetime) -> Window:
    """The last Morning or Evening that has begun."""
    today = moment.astimezone(city.zone).date()
    begun = period_bounds(city, today, period)[0] < moment
    day = today if begun else today - timedelta(days=1)
    summary = _summary(connection, city, period, day, moment)
    over = period_bounds(city, day, period)[1] <= moment
    title = f"{period.capitalize()} · {day:%a %d %b}" + ("" if over else ", so far")
    if not summary.readings:
        return Window(title, "no readings", (), ())
    details = (
        _value(summary.temperature_mean, "mean {:.1f} °C"),
        _value(summary.humidity_mean, "{:.0f} % humidity"),
        _value(summary.wind_max, "wind up to {:.1f} m/s"),
    )
    return Window(
        title=title,
        headline=_joined(_range(summary), summary.weather),
        details=tuple(detail for detail in details if detail),
        advice=summary.advice,
    )


def _summary(
    connection: Connection, city: City, period: Period, day: date, moment: datetime
) -> PeriodSummary:
    """The stored summary of a period that is over, else one made from what there is."""
    start, end = period_bounds(city, day, period)
    stored = connection.execute(
        select(daily_summaries).where(
            daily_summaries.c.city == city.name,
            daily_summaries.c.local_date == day,
            daily_summaries.c.period == period.value,
            daily_summaries.c.readings > 0,
        )
    ).one_or_none()
    if stored is not None and end <= moment:
        return _stored(stored)
    rows = connection.execute(
        _IN_PERIOD, {"city": city.name, "start": start, "end": end, "now": moment}
    ).all()
    columns = ["timestamp", "city", *MEASURES, "weather"]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.assign(timestamp=pd.to_datetime(frame["timestamp"], utc=True))
    summaries = {found.period: found for found in summarise_periods(frame, city, day)}
    return summaries[period.value]


def _stored(row: Row[Any]) -> PeriodSummary:
    values = {**row._mapping, "advice": tuple(row.advice)}  # noqa: SLF001 - SQLAlchemy's public name
    values.pop("created_at")
    return PeriodSummary(**values)


def _tomorrow(connection: Connection, city: City, moment: datetime) -> tuple[str, ...]:
    since = moment - _ALERTS_SINCE
    rows = connection.execute(_PREDICTIONS, {"city": city.name, "since": since})
    return tuple(_predicted(row) for row in rows)


def _predicted(row: Row[Any]) -> str:
    unit = _UNITS.get(row.variable, "")
    name = _NAMES.get(row.variable, row.variable)
    line = f"{name} about {_minus(f'{row.value:.0f}')} {unit}"
    if row.mae is not None:
        line += f", usually off by {row.mae:.1f} {unit}"
    if row.skill is not None:
        better = "better" if row.skill > 0 else "worse"
        line += f" ({abs(row.skill):.0%} {better} than “as today”)"
    return line


def _alerts(connection: Connection, city: City, moment: datetime) -> tuple[str, ...]:
    parameters = {
        "city": city.name,
        "since": moment - _ALERTS_SINCE,
        "now": moment,
        "most": _ALERTS_SHOWN,
    }
    rows = connection.execute(_FIRED, parameters)
    return tuple(f"{row.observed_at.astimezone(city.zone):%H:%M} {row.message}" for row in rows)


def _range(summary: PeriodSummary) -> str | None:
    if summary.temperature_min is None or summary.temperature_max is None:
        return None
    return _minus(f"{summary.temperature_min:.0f} to {summary.temperature_max:.0f} °C")


def _value(value: float | None, form: str) -> str | None:
    return None if value is None else _minus(form.format(value))


def _minus(number: str) -> str:
    """The number with the sign that is as wide as its digits."""
    return number.replace("-", "−")


def _wind(speed: float) -> str:
    return f"wind {speed:.1f} m/s ({BEAUFORT_NAMES[beaufort(speed)]})"


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part) or "no values reported"
