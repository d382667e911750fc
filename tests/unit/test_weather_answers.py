import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citywx.weather.reading import Reading
from streaming.sources.city_entries import parse_city_entry
from streaming.sources.errors import (
    CallLimitError,
    KeyRefusedError,
    NotCurrentError,
    RequestRefusedError,
    SourceError,
    UnavailableError,
    UnknownPlaceError,
    UnreadableAnswerError,
)
from streaming.sources.open_meteo import parse_current as parse_open_meteo
from streaming.sources.open_meteo import parse_hourly
from streaming.sources.open_meteo import parse_places as parse_open_meteo_places
from streaming.sources.openweathermap import Units, parse_places
from streaming.sources.openweathermap import parse_current as parse_owm

DATA = Path(__file__).parents[3] / "shared" / "data"


def owm(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "coord": {"lon": 10.75, "lat": 59.91},
        "weather": [
            {"id": 600, "main": "Snow", "description": "light snow", "icon": "13d"},
            {"id": 701, "main": "Mist", "description": "mist", "icon": "50d"},
        ],
        "main": {"temp": -2.34, "feels_like": -6.0, "pressure": 1009, "humidity": 88},
        "wind": {"speed": 3.6, "deg": 40, "gust": 2.0},
        "dt": 1_772_323_200,
        "cod": 200,
    }
    return body | changes


def open_meteo(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "utc_offset_seconds": 0,
        "current_units": {"time": "unixtime", "temperature_2m": "°C", "wind_speed_10m": "m/s"},
        "current": {
            "time": 1_772_323_200,
            "interval": 900,
            "temperature_2m": -2.3,
            "relative_humidity_2m": 88,
            "pressure_msl": 1009.4,
            "wind_speed_10m": 3.61,
            "weather_code": 71,
        },
    }
    return body | changes


def test_openweathermap_reports_the_observation_not_the_fetch() -> None:
    assert parse_owm(owm(), "Oslo", Units.METRIC) == Reading(
        timestamp=datetime(2026, 3, 1, tzinfo=UTC),
        city="Oslo",
        temperature_c=-2.34,
        humidity=88,
        pressure=1009,
        wind_speed=3.6,
        weather="light snow",
        source="openweathermap",
    )


@pytest.mark.parametrize(
    ("units", "temp", "speed", "celsius", "metres"),
    [
        (Units.METRIC, 10.0, 4.0, 10.0, 4.0),
        (Units.STANDARD, 283.15, 4.0, 10.0, 4.0),
        (Units.IMPERIAL, 50.0, 10.0, 10.0, 4.47),
    ],
)
def test_openweathermap_is_read_in_the_units_that_were_asked_for(
    units: Units, temp: float, speed: float, celsius: float, metres: float
) -> None:
    reading = parse_owm(owm(main={"temp": temp}, wind={"speed": speed}), "Oslo", units)
    assert (reading.temperature_c, reading.wind_speed) == (celsius, metres)


def test_every_optional_field_of_openweathermap_may_be_absent() -> None:
    reading = parse_owm({"dt": 1_772_323_200, "main": {"humidity": 88}}, "Oslo", Units.METRIC)
    assert reading.humidity == 88
    assert (reading.temperature_c, reading.wind_speed, reading.weather) == (None, None, None)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"cod": 401, "message": "Invalid API key."}, KeyRefusedError),
        ({"cod": "404", "message": "city not found"}, UnknownPlaceError),
        ({"cod": "400", "message": "Nothing to geocode"}, RequestRefusedError),
        ({"cod": 429, "message": "temporary blocked"}, CallLimitError),
        ({"cod": 500}, UnavailableError),
        ({"cod": "200", "cnt": 0, "list": []}, NotCurrentError),
        ({"cod": "what"}, UnreadableAnswerError),
        ([], UnreadableAnswerError),
        (owm(dt=None), UnreadableAnswerError),
        (owm(dt=1e300), UnreadableAnswerError),
        (owm(dt=10**400), UnreadableAnswerError),
        (owm(main=[1]), UnreadableAnswerError),
        (owm(main={"temp": "warm"}), UnreadableAnswerError),
        (owm(main={"temp": True}), UnreadableAnswerError),
        (owm(main={}, wind={}), UnreadableAnswerError),
    ],
)
def test_openweathermap_answers_that_hold_no_reading_have_their_error(
    body: object, error: type[SourceError]
) -> None:
    with pytest.raises(error) as caught:
        parse_owm(body, "Oslo", Units.METRIC)
    assert type(caught.value) is error


def test_open_meteo_is_read_with_its_words() -> None:
    assert parse_open_meteo(open_meteo(), "Oslo") == Reading(
        timestamp=datetime(2026, 3, 1, tzinfo=UTC),
        city="Oslo",
        temperature_c=-2.3,
        humidity=88,
        pressure=1009.4,
        wind_speed=3.61,
        weather="light snow",
        source="open-meteo",
    )


def test_open_meteo_units_and_local_times_are_honoured() -> None:
    body = open_meteo(
        utc_offset_seconds=10_800,
        current_units={"temperature_2m": "°F", "wind_speed_10m": "km/h"},
        current={"time": "2026-03-01T03:00", "temperature_2m": 50.0, "wind_speed_10m": 36.0},
    )
    reading = parse_open_meteo(body, "Moscow")
    assert reading.timestamp == datetime(2026, 3, 1, tzinfo=UTC)
    assert (reading.temperature_c, reading.wind_speed) == (10.0, 10.0)


def test_surface_pressure_is_not_taken_for_sea_level_pressure() -> None:
    body = open_meteo(current={"time": 1, "temperature_2m": 1.0, "surface_pressure": 837.6})
    assert parse_open_meteo(body, "Denver").pressure is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": True, "reason": "no such variable"}, RequestRefusedError),
        ({"hourly": {}}, NotCurrentError),
        ({"current": {"time": 1, "weather_code": 3}}, UnreadableAnswerError),
        (open_meteo(current_units={"wind_speed_10m": "furlong/h"}), UnreadableAnswerError),
        (open_meteo(current={"time": "yesterday", "temperature_2m": 1}), UnreadableAnswerError),
        (open_meteo(current={"time": "2026-02-31T00:00"}), UnreadableAnswerError),
    ],
)
def test_open_meteo_answers_that_hold_no_reading_have_their_error(
    body: object, error: type[SourceError]
) -> None:
    with pytest.raises(error) as caught:
        parse_open_meteo(body, "Oslo")
    assert type(caught.value) is error


def test_hours_without_any_value_are_left_out() -> None:
    body = {"hourly": {"time": [0, 3600], "temperature_2m": [1.5, None], "weather_code": [0, 0]}}
    assert [r.temperature_c for r in parse_hourly(body, "Oslo")] == [1.5]


def test_hourly_columns_of_different_lengths_are_an_error() -> None:
    with pytest.raises(UnreadableAnswerError):
        parse_hourly({"hourly": {"time": [0, 3600], "temperature_2m": [1.5]}}, "Oslo")


def test_geocoders_answers_are_narrowed_by_region_and_country() -> None:
    entry = parse_city_entry("Victoria, British Columbia, CA")
    places: list[dict[str, object]] = [
        {"name": "Victoria", "lat": -4.6, "lon": 55.4, "country": "SC"},
        {"name": "Victoria", "lat": 48.43, "lon": -123.37, "country": "CA",
         "state": "British Columbia"},
    ]  # fmt: skip
    city = parse_places(places, entry)
    assert city is not None
    assert (city.country, city.time_zone) == ("CA", "America/Vancouver")
    assert parse_places([], entry) is None
    assert parse_open_meteo_places({}, entry) is None


# What each recorded payload holds: temperature, humidity, pressure, wind, words; or its error.
RECORDED: dict[str, tuple[object, ...] | type[SourceError]] = {
    "01_nyc_rain_and_snow_multi_weather_2019_kelvin": (-0.21, 86, 1007, 9.3, "moderate rain"),
    "02_london_rain1h_2020_kelvin": (13.15, 81, 1016, 3.96, "light rain"),
    "03_madrid_sea_grnd_level_2024_metric": (22.12, 29, 1018, 1.54, "clear sky"),
    "04_vancouver_no_visibility_2016_kelvin": (15.75, 55, 1028, 1.54, "light rain"),
    "05_kharkiv_ukrainian_snow_2022_metric": (-0.01, 100, 1005, 4, "туман"),
    "06_jalhay_deg_missing_2017_kelvin": (16.23, 93, 1019, 0.5, "mist"),
    "07_error_401": KeyRefusedError,
    "08_error_404_string_cod": UnknownPlaceError,
    "09_forecast5_sample": NotCurrentError,
    "01_current_ruby_spec": (27.0, None, None, None, "scattered clouds"),
    "02_moscow_2025_kmh": (-4.1, 93, None, 2.11, None),
    "03_denver_2026_ms": (16.7, 72, None, 3.74, None),
    "04_error_400": RequestRefusedError,
}


PAYLOADS = sorted(DATA.glob("o*/*.json"))

if PAYLOADS:  # recorded payloads are not part of the project

    @pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}/{path.stem}")
    def test_each_recorded_payload_gives_its_reading_or_its_error(path: Path) -> None:
        body, expected = json.loads(path.read_text("utf-8")), RECORDED[path.stem]

        def parse() -> Reading:
            if path.parent.name == "open_meteo":
                return parse_open_meteo(body, "X")
            units = Units.STANDARD if "kelvin" in path.stem else Units.METRIC
            return parse_owm(body, "X", units)

        if isinstance(expected, tuple):
            r = parse()
            assert (r.temperature_c, r.humidity, r.pressure, r.wind_speed, r.weather) == expected
        else:
            with pytest.raises(expected):
                parse()
