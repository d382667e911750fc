"""Which source a process reads from, made from its settings."""

from datetime import UTC, datetime

from citywx.settings import WeatherSource
from citywx.source_choice import SourceChoiceError
from citywx.staging.appender import Appender
from citywx.weather.city import City
from citywx.weather.reading import FUTURE_TOLERANCE
from streaming.process import Process
from streaming.sources.cities import resolve_cities
from streaming.sources.replay import Replay, ReplayPosition, Speed
from streaming.sources.replay_file import ReplayFile
from streaming.sources.simulator import Simulator
from streaming.sources.source import Source


def build_source(process: Process, kind: WeatherSource, log: Appender) -> Source:
    """The source of that kind."""
    if kind is WeatherSource.REPLAY:
        return _replay(process)
    return _simulator(process)


def _simulator(process: Process) -> Source:
    settings = process.settings
    return Simulator(
        _resolved(process),
        seed=settings.simulate_seed,
        rows_per_second=settings.simulate_rows_per_second,
        start=datetime.now(UTC),
    )


def _replay(process: Process) -> Source:
    settings, home = process.settings, process.home
    if settings.replay_file is None:
        message = "WEATHER_SOURCE=replay needs REPLAY_FILE, a CSV file of readings"
        raise SourceChoiceError(message)
    now = datetime.now(UTC)
    return Replay(
        ReplayFile(
            settings.replay_file, earliest=settings.history_start, latest=now + FUTURE_TOLERANCE
        ),
        ReplayPosition(home.state / "replay.json", home.readings_csv),
        speed=Speed.parse(settings.replay_speed),
        timestamps=settings.replay_timestamps,
        now=now,
    )


def _resolved(process: Process) -> list[City]:
    cities = resolve_cities(process.settings.cities, process.home.state / "cities.json")
    if not cities:
        message = "none of the CITIES could be found: see the lines above"
        raise SourceChoiceError(message)
    return cities
