"""The Morning, the Evening and the whole of a city's local day, from its readings.

Pure: where readings come from and where summaries go belongs elsewhere.
"""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

import numpy as np
import pandas as pd

from citywx.weather.advice import Moment, advise_on_period
from citywx.weather.city import City
from citywx.weather.quality.limits import Limits
from citywx.weather.reading import MEASURES, Reading

_LIMITS = Limits()
_BELIEVABLE = {
    "temperature_c": (_LIMITS.coldest_c, _LIMITS.hottest_c),
    "humidity": (_LIMITS.driest_percent, _LIMITS.wettest_percent),
    "pressure": (_LIMITS.lowest_pressure_hpa, _LIMITS.highest_pressure_hpa),
    "wind_speed": (0.0, _LIMITS.strongest_wind_m_s),
}


class Period(StrEnum):
    """A part of a local day; the value is the key of `daily_summaries`."""

    DAY = "day"
    MORNING = "morning"
    """06:00 to 12:00 local time."""
    EVENING = "evening"
    """18:00 to 24:00 local time."""


_HOURS = {Period.DAY: (0, 24), Period.MORNING: (6, 12), Period.EVENING: (18, 24)}


@dataclass(frozen=True, slots=True)
class PeriodSummary:
    """One row of `daily_summaries`; a value is None where nothing was reported."""

    city: str
    local_date: date
    period: str
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    readings: int = 0
    temperature_mean: float | None = None
    temperature_min: float | None = None
    temperature_max: float | None = None
    humidity_mean: float | None = None
    pressure_mean: float | None = None
    wind_mean: float | None = None
    wind_max: float | None = None
    weather: str | None = None
    """The description reported most often; of equals the latest."""
    advice: tuple[str, ...] = ()


def period_bounds(city: City, local_date: date, period: Period) -> tuple[datetime, datetime]:
    """First moment of a period and of what follows it, aware UTC, by the city's wall clock.

    >>> cairo = City("Cairo", time_zone="Africa/Cairo")
    >>> start, end = period_bounds(cairo, date(2024, 4, 26), Period.DAY)
    >>> end - start  # clocks went forward at midnight
    datetime.timedelta(seconds=82800)
    """
    first, after = _HOURS[period]
    return _local(city, local_date, first), _local(city, local_date, after)


def summarise_periods(readings: pd.DataFrame, city: City, local_date: date) -> list[PeriodSummary]:
    """Summarise each period of one local day of one city.

    `readings` has the columns of `weather_readings` (`timestamp` aware, the measures, `weather`);
    other cities and days are left aside, and so are values outside the hard ranges of
    `citywx.weather.quality`. A period
    without readings has `readings` 0 and no values.
    """
    own = readings.loc[readings["city"] == city.name].sort_values("timestamp")
    believed = own.assign(**{name: _believable(own[name]) for name in MEASURES})
    return [_summarise(believed, city, local_date, period) for period in Period]


def believable(reading: Reading) -> Reading:
    """The reading without the values that lie outside the hard ranges.

    >>> believable(Reading(datetime(2026, 3, 1, tzinfo=UTC), "Oslo", 999.0, 50.0)).temperature_c
    """
    outside = {
        name: None
        for name, (lowest, highest) in _BELIEVABLE.items()
        if (value := getattr(reading, name)) is not None and not lowest <= value <= highest
    }
    return reading._replace(**outside)  # type: ignore[arg-type]  # the names are its measures


def _local(city: City, day: date, hour: int) -> datetime:
    days, hour = divmod(hour, 24)
    return datetime.combine(day + timedelta(days), time(hour), city.zone).astimezone(UTC)


def _believable(values: "pd.Series[float]") -> "pd.Series[float]":
    numbers = pd.to_numeric(values)
    return numbers.where(numbers.between(*_BELIEVABLE[str(values.name)]))


def _summarise(
    readings: pd.DataFrame, city: City, local_date: date, period: Period
) -> PeriodSummary:
    start, end = period_bounds(city, local_date, period)
    rows = readings.loc[(readings["timestamp"] >= start) & (readings["timestamp"] < end)]
    if rows.empty:
        return PeriodSummary(city.name, local_date, period.value)
    temperature, wind = rows["temperature_c"], rows["wind_speed"]
    return PeriodSummary(
        city=city.name,
        local_date=local_date,
        period=period.value,
        first_timestamp=rows["timestamp"].iloc[0].to_pydatetime(),
        last_timestamp=rows["timestamp"].iloc[-1].to_pydatetime(),
        readings=len(rows),
        temperature_mean=_number(temperature.mean()),
        temperature_min=_number(temperature.min()),
        temperature_max=_number(temperature.max()),
        humidity_mean=_number(rows["humidity"].mean()),
        pressure_mean=_number(rows["pressure"].mean()),
        wind_mean=_number(wind.mean()),
        wind_max=_number(wind.max()),
        weather=_most_frequent(rows["weather"]),
        advice=tuple(line.text for line in advise_on_period(_moments(rows))),
    )


def _moments(rows: pd.DataFrame) -> dict[Moment, Reading]:
    """The readings that advice for a whole period looks at."""
    temperature = rows["temperature_c"].to_numpy(float)
    wind = rows["wind_speed"].to_numpy(float)
    moments = {Moment.WORDS: _reading(rows, -1)._replace(weather=_all_words(rows["weather"]))}
    if np.isfinite(temperature).any():
        moments[Moment.HOTTEST] = _reading(rows, int(np.nanargmax(temperature)))
        moments[Moment.COLDEST] = _reading(rows, int(np.nanargmin(temperature)))
    if np.isfinite(wind).any():
        moments[Moment.WINDIEST] = _reading(rows, int(np.nanargmax(wind)))
    return moments


def _reading(rows: pd.DataFrame, place: int) -> Reading:
    row = rows.iloc[place]
    return Reading(
        timestamp=row["timestamp"].to_pydatetime(),
        city=row["city"],
        temperature_c=_number(row["temperature_c"]),
        humidity=_number(row["humidity"]),
        pressure=_number(row["pressure"]),
        wind_speed=_number(row["wind_speed"]),
    )


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _all_words(words: "pd.Series[str]") -> str | None:
    return "; ".join(sorted(set(words.dropna()))) or None


def _most_frequent(words: "pd.Series[str]") -> str | None:
    spoken = words.dropna()
    if spoken.empty:
        return None
    counts = spoken.value_counts()
    common = set(counts[counts == counts.max()].index)
    return next(str(word) for word in reversed(spoken.tolist()) if word in common)
