"""Which source a start uses: what the settings say, or what `auto` finds.

`auto` decides on the first start whether this pipeline is real or simulated, and keeps to that
until `citywx reset`; between real services it may switch. Each choice comes with its reason, for
people.
"""

import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from citywx.home import HomeKind
from citywx.settings import Settings, WeatherSource

_REACH_SECONDS = 3.0
_REMEMBERED = "auto"
_HTTPS_PORT = 443
_HTTP_PORT = 80


class SourceChoiceError(Exception):
    """The source that the settings ask for cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SourceChoice:
    """A source (never `auto`), and why it was taken."""

    source: WeatherSource
    reason: str


def choose_source(settings: Settings) -> SourceChoice:
    """The source to use; SourceChoiceError when it lacks what it needs."""
    if settings.weather_source is WeatherSource.AUTO:
        return _automatic(settings)
    if settings.weather_source is WeatherSource.OPENWEATHERMAP and not _has_key(settings):
        message = (
            "WEATHER_SOURCE=openweathermap needs OPENWEATHER_API_KEY: put your key into .env "
            "(free at https://openweathermap.org/api), or use WEATHER_SOURCE=open-meteo"
        )
        raise SourceChoiceError(message)
    if settings.weather_source is WeatherSource.REPLAY:
        _check_replay(settings.replay_file)
    return SourceChoice(settings.weather_source, f"WEATHER_SOURCE={settings.weather_source.value}")


def _automatic(settings: Settings) -> SourceChoice:
    remembered = settings.data_dir / _REMEMBERED
    kind = _remembered_kind(remembered)
    if kind is HomeKind.SIMULATED:
        return SourceChoice(
            WeatherSource.SIMULATE,
            "the first start found no weather service, and simulated and real readings never mix; "
            "for real weather set WEATHER_SOURCE=open-meteo, or start anew with `citywx reset`",
        )
    choice = _first_choice(settings, must_be_real=kind is HomeKind.REAL)
    if kind is None:
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(HomeKind.of(choice.source).value + "\n", "utf-8")
    return choice


def _first_choice(settings: Settings, *, must_be_real: bool) -> SourceChoice:
    if _has_key(settings):
        return SourceChoice(WeatherSource.OPENWEATHERMAP, "OPENWEATHER_API_KEY is set")
    if must_be_real:
        return SourceChoice(
            WeatherSource.OPEN_METEO, "this home holds real weather, and no key is set"
        )
    if _reachable(settings.open_meteo_url):
        return SourceChoice(WeatherSource.OPEN_METEO, "it needs no key and can be reached")
    return SourceChoice(
        WeatherSource.SIMULATE,
        "no OPENWEATHER_API_KEY is set and Open-Meteo cannot be reached, so THE WEATHER IS "
        "SIMULATED; with a network, set WEATHER_SOURCE=open-meteo, or a key",
    )


def _has_key(settings: Settings) -> bool:
    key = settings.openweather_api_key
    return key is not None and bool(key.get_secret_value().strip())


def _check_replay(file: Path | None) -> None:
    if file is None:
        message = "WEATHER_SOURCE=replay needs REPLAY_FILE, a .csv or .csv.gz file of readings"
        raise SourceChoiceError(message)
    if not file.is_file():
        message = f"REPLAY_FILE {file} is no file: give the path of a .csv or .csv.gz of readings"
        raise SourceChoiceError(message)


def _remembered_kind(path: Path) -> HomeKind | None:
    try:
        return HomeKind(path.read_text("utf-8").strip())
    except (FileNotFoundError, ValueError):
        return None


def _reachable(url: str) -> bool:
    """Whether the server of a URL takes a connection within a few seconds."""
    parts = urlsplit(url)
    port = parts.port or (_HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT)
    try:
        with socket.create_connection((parts.hostname or "", port), timeout=_REACH_SECONDS):
            return True
    except OSError:
        return False
