"""Which source a process reads from, made from its settings: the one place that wires them."""

import logging
from datetime import UTC, datetime, timedelta

import numpy as np

from citywx.call_budget import QUOTAS, calls_a_month, poller_state_file
from citywx.polled_cities import PolledCities
from citywx.settings import WeatherSource
from citywx.source_choice import SourceChoiceError
from citywx.weather.city import City
from citywx.weather.reading import FUTURE_TOLERANCE, Reading
from streaming.process import Process
from streaming.sources.backfill import Backfill
from streaming.sources.cities import Geocoder, look_up_names, resolve_cities
from streaming.sources.city_entries import CityEntry
from streaming.sources.errors import SourceError
from streaming.sources.http_client import HttpClient
from streaming.sources.open_meteo import TERMS, OpenMeteo
from streaming.sources.openweathermap import OpenWeatherMap
from streaming.sources.poller_state import PollerState
from streaming.sources.polling import CALLS_MADE, Polling
from streaming.sources.replay import Replay, ReplayPosition, Speed
from streaming.sources.replay_file import ReplayFile
from streaming.sources.simulated_weather import Climate
from streaming.sources.simulator import Simulator, simulated_readings
from streaming.sources.source import Source

_log = logging.getLogger(__name__)
_DAYS_A_CALL = 14  # longer histories count as several calls
_HOUR = timedelta(hours=1)


def build_source(process: Process, kind: WeatherSource) -> tuple[Source, list[City]]:
    """The source of that kind, and the cities whose places are known."""
    if kind is WeatherSource.REPLAY:
        return _replay(process)
    if kind is WeatherSource.SIMULATE:
        return _simulation(process)
    return _polling(process, kind)


def _replay(process: Process) -> tuple[Source, list[City]]:
    settings, home = process.settings, process.home
    if settings.replay_file is None:
        message = "WEATHER_SOURCE=replay needs REPLAY_FILE"
        raise SourceChoiceError(message)
    now = datetime.now(UTC)
    file = ReplayFile(
        settings.replay_file, earliest=settings.history_start, latest=now + FUTURE_TOLERANCE
    )
    try:
        source = Replay(
            file,
            ReplayPosition(home.state / "replay.json", home.readings_csv),
            speed=Speed.parse(settings.replay_speed),
            timestamps=settings.replay_timestamps,
            now=now,
        )
        return source, look_up_names(file.cities(), home.state / "cities.json")
    except (OSError, EOFError, ValueError) as error:
        message = f"cannot replay {settings.replay_file}: {error}"
        raise SourceChoiceError(message) from None


def _simulation(process: Process) -> tuple[Source, list[City]]:
    settings = process.settings
    cities = _cities(process, None)
    climates = {city.name: Climate(settings.simulate_seed, city) for city in cities}
    now = datetime.now(UTC)

    def history(city: City, until: datetime) -> list[Reading]:
        """Whole hours of the last days."""
        last = until.replace(minute=0, second=0, microsecond=0)
        hours = settings.backfill_days * 24
        times = last.timestamp() - 3600 * np.arange(hours - 1, -1, -1, dtype=np.float64)
        return list(simulated_readings(city, climates[city.name], times))

    live = Simulator(
        cities,
        seed=settings.simulate_seed,
        rows_per_second=settings.simulate_rows_per_second,
        start=now,
    )
    state = PollerState.load(poller_state_file(process.home))
    if not settings.backfill_days:
        return live, cities
    return Backfill(live, history, cities, state=state, now=now), cities


def _polling(process: Process, kind: WeatherSource) -> tuple[Source, list[City]]:
    settings = process.settings
    client = HttpClient(process.stopping)
    open_meteo = OpenMeteo(client, settings.open_meteo_url, settings.open_meteo_geocoding_url)
    service: OpenMeteo | OpenWeatherMap = open_meteo
    if kind is WeatherSource.OPENWEATHERMAP and settings.openweather_api_key is not None:
        service = OpenWeatherMap(client, settings.openweather_url, settings.openweather_api_key)
    cities = _cities(process, careful(service))
    now = datetime.now(UTC)
    state = PollerState.load(poller_state_file(process.home))
    live = Polling(service, cities, poll_seconds=settings.poll_seconds, state=state, now=now)
    _tell_terms(service.name, len(cities), settings.poll_seconds)
    if not settings.backfill_days:
        return live, cities

    def history(city: City, until: datetime) -> list[Reading]:
        """The last days, from Open-Meteo whatever the live source is."""
        calls = -(-settings.backfill_days // _DAYS_A_CALL)
        state.calls.add(open_meteo.name, until, calls)
        CALLS_MADE.labels(open_meteo.name).inc(calls)
        return open_meteo.history(city, settings.backfill_days, until)

    _log.info("the first %d days of history: %s", settings.backfill_days, TERMS)
    return Backfill(live, history, cities, state=state, now=now), cities


def _cities(process: Process, geocode: Geocoder | None) -> list[City]:
    kept = process.home.state / "cities.json"
    found = resolve_cities(process.settings.cities, kept, geocode)
    cities = list({city.name: city for city in found.values()}.values())
    unresolved = tuple(entry for entry in process.settings.cities if entry not in found)
    PolledCities(tuple(city.name for city in cities), unresolved).save(process.home)
    if not cities:
        message = "none of the CITIES could be found: the lines above say what to do"
        raise SourceChoiceError(message)
    return cities


def careful(service: OpenMeteo | OpenWeatherMap) -> Geocoder:
    """The service's geocoder, whose failures mean that the place stays unknown."""

    def geocode(entry: CityEntry) -> City | None:
        try:
            return service.geocode(entry)
        except SourceError as error:
            _log.warning(
                "the geocoder of %s cannot say where %r is: %s", service.name, entry.text, error
            )
            return None

    return geocode


def _tell_terms(service: str, cities: int, poll_seconds: float) -> None:
    """Say what the service asks for, and how far its free calls go."""
    if service == WeatherSource.OPEN_METEO.value:
        _log.info("%s", TERMS)
    planned, quota = calls_a_month(cities, poll_seconds), QUOTAS[service]
    say = _log.warning if planned > quota.per_month else _log.info
    say("%s: %d calls a month at these settings, %d are free", service, planned, quota.per_month)
