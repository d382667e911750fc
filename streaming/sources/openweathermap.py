"""OpenWeatherMap's current weather: one call a city, by coordinates.

Nothing in an answer says in which units it is, so the parser is told which were asked for.
"""

from enum import StrEnum

from pydantic import SecretStr

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
from streaming.sources.city_lookup import country_code
from streaming.sources.errors import NotCurrentError, UnreadableAnswerError, error_of_status
from streaming.sources.geocoding import best_match
from streaming.sources.http_client import HttpClient

_KELVIN = 273.15
_MPH = 0.44704  # m/s


class Units(StrEnum):
    """The service's `units` parameter."""

    STANDARD = "standard"
    """K, m/s."""
    METRIC = "metric"
    """°C, m/s."""
    IMPERIAL = "imperial"
    """°F, mph."""


class OpenWeatherMap:
    """The service, with one account's key."""

    name = WeatherSource.OPENWEATHERMAP.value

    def __init__(self, client: HttpClient, base_url: str, key: SecretStr) -> None:
        """The key goes into the requests and nowhere else."""
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._key = key

    def current(self, city: City) -> Reading:
        """The city's present weather; SourceError when there is none to be had."""
        answer = self._client.get_json(
            f"{self._base_url}/data/2.5/weather",
            {
                "lat": city.latitude or 0.0,
                "lon": city.longitude or 0.0,
                "units": Units.METRIC.value,
                "appid": self._key.get_secret_value(),
            },
        )
        return parse_current(answer, city.name, Units.METRIC)

    def geocode(self, entry: CityEntry) -> City | None:
        """The place that an entry means; SourceError when the service cannot be asked."""
        answer = self._client.get_json(
            f"{self._base_url}/geo/1.0/direct",
            {
                "q": ",".join((entry.name, *(country_code(q) or q for q in entry.qualifiers))),
                "limit": 5,
                "appid": self._key.get_secret_value(),
            },
        )
        return parse_places(answer, entry)


def parse_current(answer: object, city: str, units: Units) -> Reading:
    """Read one current-weather answer, asked for in `units`, as a reading of `city`.

    The first element of `weather` is the primary condition. Raises the SourceError that the
    service reports, NotCurrentError for its other products.
    """
    body = as_object(answer, "the answer")
    _raise_reported(body)
    if "list" in body:
        message = "the answer is a forecast or a list, not one current reading"
        raise NotCurrentError(message)
    main, wind = optional_object(body, "main"), optional_object(body, "wind")
    speed = optional_number(wind, "speed")
    return with_measures(
        Reading(
            timestamp=unix_time(body.get("dt"), "dt"),
            city=city,
            temperature_c=_celsius(optional_number(main, "temp"), units),
            humidity=optional_number(main, "humidity"),
            pressure=optional_number(main, "pressure"),
            wind_speed=round(speed * _MPH, 2) if speed and units is Units.IMPERIAL else speed,
            weather=_primary(body.get("weather")),
            source=WeatherSource.OPENWEATHERMAP.value,
        )
    )


def parse_places(answer: object, entry: CityEntry) -> City | None:
    """The first fitting place of a geocoder's answer."""
    if not isinstance(answer, list):
        message = "the geocoder's answer is no list"
        raise UnreadableAnswerError(message)
    places = [as_object(place, "a place") for place in answer]
    return best_match(entry, places, latitude="lat", longitude="lon", country="country")


def _raise_reported(body: Json) -> None:
    """Raise what `cod` (a number or a string) reports, if it is not success."""
    cod = body.get("cod", 200)
    try:
        status = int(str(cod))
    except ValueError:
        message = "cod is no status"
        raise UnreadableAnswerError(message) from None
    said = text_or_none(body.get("message"))
    if error := error_of_status(status, said or ""):
        raise error


def _celsius(temperature: float | None, units: Units) -> float | None:
    if temperature is None:
        return None
    if units is Units.STANDARD:
        temperature -= _KELVIN
    elif units is Units.IMPERIAL:
        temperature = (temperature - 32) / 1.8
    return round(temperature, 2)


def _primary(weather: object) -> str | None:
    if not isinstance(weather, list) or not weather or not isinstance(weather[0], dict):
        return None
    return text_or_none(weather[0].get("description")) or text_or_none(weather[0].get("main"))
