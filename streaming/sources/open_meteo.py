"""Open-Meteo: current weather, the last days by hour, and a geocoder; no key.

Values come from weather models, for the grid cell around the place. Free for non-commercial use;
the data are CC BY 4.0 and want attribution. Each answer states its units, and they are honoured.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from citywx.settings import WeatherSource
from citywx.weather.city import City
from citywx.weather.reading import Reading
from streaming.sources.answers import (
    Json,
    as_object,
    optional_number,
    optional_object,
    text_or_none,
    unix_time,
    with_measures,
)
from streaming.sources.city_entries import CityEntry
from streaming.sources.errors import NotCurrentError, RequestRefusedError, UnreadableAnswerError
from streaming.sources.geocoding import best_match
from streaming.sources.http_client import HttpClient
from streaming.sources.wmo_codes import describe

TERMS = (
    "weather data by Open-Meteo.com (CC BY 4.0; free for non-commercial use, "
    "https://open-meteo.com/en/terms)"
)

_TEMPERATURE = "temperature_2m"
_HUMIDITY = "relative_humidity_2m"
_PRESSURE = "pressure_msl"  # surface_pressure is not at sea level
_WIND = "wind_speed_10m"
_CODE = "weather_code"
VARIABLES = f"{_TEMPERATURE},{_HUMIDITY},{_PRESSURE},{_WIND},{_CODE}"
UNITS = {"wind_speed_unit": "ms", "temperature_unit": "celsius", "timeformat": "unixtime"}
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", re.ASCII)

_SCALES = {
    "°C": (1.0, 0.0),
    "°F": (1 / 1.8, -32.0),
    "m/s": (1.0, 0.0),
    "km/h": (1 / 3.6, 0.0),
    "mp/h": (0.44704, 0.0),
    "mph": (0.44704, 0.0),
    "kn": (0.514444, 0.0),
}
"""(value + second) × first gives °C or m/s."""


class OpenMeteo:
    """The service."""

    name = WeatherSource.OPEN_METEO.value

    def __init__(self, client: HttpClient, base_url: str, geocoding_url: str) -> None:
        """Ask the servers at these base addresses."""
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._geocoding_url = geocoding_url.rstrip("/")

    def current(self, city: City) -> Reading:
        """The city's present weather; SourceError when there is none to be had."""
        return parse_current(self._forecast(city, {"current": VARIABLES}), city.name)

    def history(self, city: City, days: int, now: datetime) -> list[Reading]:
        """The last days by hour, up to now; SourceError when they cannot be had."""
        asked: dict[str, str | int] = {"hourly": VARIABLES, "past_days": days, "forecast_days": 1}
        readings = parse_hourly(self._forecast(city, asked), city.name)
        return [r for r in readings if now - timedelta(days=days) <= r.timestamp <= now]

    def geocode(self, entry: CityEntry) -> City | None:
        """The place that an entry means; SourceError when the service cannot be asked."""
        answer = self._client.get_json(
            f"{self._geocoding_url}/v1/search", {"name": entry.name, "count": 20, "language": "en"}
        )
        return parse_places(answer, entry)

    def _forecast(self, city: City, asked: Mapping[str, str | int]) -> object:
        place = {"latitude": city.latitude or 0.0, "longitude": city.longitude or 0.0}
        return self._client.get_json(f"{self._base_url}/v1/forecast", {**place, **asked, **UNITS})


def parse_current(answer: object, city: str) -> Reading:
    """Read the `current` block of an answer as a reading of `city`."""
    body = _successful(answer)
    if "current" not in body:
        message = "the answer holds no current weather"
        raise NotCurrentError(message)
    current = as_object(body["current"], "current")
    return _reading(current, _Units(body, "current_units"), city)


def parse_hourly(answer: object, city: str) -> list[Reading]:
    """Read the `hourly` block of an answer; hours without any value are left out."""
    body = _successful(answer)
    hourly = as_object(body.get("hourly"), "hourly")
    units = _Units(body, "hourly_units")
    lengths = {len(column) for column in hourly.values() if isinstance(column, list)}
    if len(lengths) != 1 or not all(isinstance(column, list) for column in hourly.values()):
        message = "the columns of hourly are no lists of one length"
        raise UnreadableAnswerError(message)
    columns: Mapping[str, Sequence[Any]] = {name: hourly[name] for name in hourly}  # type: ignore[misc]  # lists, as checked above
    hours = [
        {name: column[index] for name, column in columns.items()} for index in range(lengths.pop())
    ]
    measured = (_TEMPERATURE, _HUMIDITY, _PRESSURE, _WIND)
    return [
        _reading(hour, units, city)
        for hour in hours
        if any(hour.get(name) is not None for name in measured)
    ]


def parse_places(answer: object, entry: CityEntry) -> City | None:
    """The first fitting place of the geocoder's answer."""
    results = as_object(answer, "the geocoder's answer").get("results", [])
    if not isinstance(results, list):
        message = "the geocoder's results are no list"
        raise UnreadableAnswerError(message)
    places = [as_object(place, "a place") for place in results]
    return best_match(
        entry, places, latitude="latitude", longitude="longitude", country="country_code"
    )


class _Units:
    """The units and the clock that an answer says it is in."""

    def __init__(self, body: Json, name: str) -> None:
        self._units = optional_object(body, name)
        self._utc_offset = optional_number(body, "utc_offset_seconds") or 0.0

    def value(self, block: Json, name: str, default: str) -> float | None:
        """A variable in °C or m/s; a unit that nobody knows is an error, not a guess."""
        raw = optional_number(block, name)
        unit = self._units.get(name, default)
        if raw is None:
            return None
        if not isinstance(unit, str) or unit not in _SCALES:
            message = f"{name} is in an unknown unit"
            raise UnreadableAnswerError(message)
        factor, offset = _SCALES[unit]
        return round((raw + offset) * factor, 2)

    def time(self, value: object) -> datetime:
        """The observation time as aware UTC."""
        if not isinstance(value, str):
            return unix_time(value, "time")
        if not _ISO_TIME.fullmatch(value):
            message = "time is neither Unix nor ISO 8601"
            raise UnreadableAnswerError(message)
        try:
            local = datetime.fromisoformat(value).replace(tzinfo=UTC)
            return local - timedelta(seconds=self._utc_offset)
        except (ValueError, OverflowError):
            message = "time does not exist"
            raise UnreadableAnswerError(message) from None


def _reading(block: Json, units: _Units, city: str) -> Reading:
    return with_measures(
        Reading(
            timestamp=units.time(block.get("time")),
            city=city,
            temperature_c=units.value(block, _TEMPERATURE, "°C"),
            humidity=optional_number(block, _HUMIDITY),
            pressure=optional_number(block, _PRESSURE),
            wind_speed=units.value(block, _WIND, "m/s"),
            weather=describe(optional_number(block, _CODE)),
            source=WeatherSource.OPEN_METEO.value,
        )
    )


def _successful(answer: object) -> Json:
    body = as_object(answer, "the answer")
    if body.get("error"):
        raise RequestRefusedError(text_or_none(body.get("reason")) or "no reason given")
    return body
