"""Values as people read them: ages, local times, sources, skill. Pure, no Streamlit."""

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from citywx.home import HomeKind
from citywx.weather.city import City

UNITS = {"temperature_c": "°C", "humidity": "%", "pressure": "hPa", "wind_speed": "m/s"}
NAMES = {
    "temperature_c": "Temperature",
    "humidity": "Humidity",
    "pressure": "Pressure",
    "wind_speed": "Wind",
}
DIGITS = {"temperature_c": 1, "humidity": 0, "pressure": 0, "wind_speed": 1}

SOURCES = {
    "openweathermap": "OpenWeatherMap",
    "open-meteo": "Open-Meteo",
    "replay": "replay of a file",
    "simulate": "simulator",
    "csv": "the staging file",
}

ATTRIBUTIONS = {
    "open-meteo": "Weather data by [Open-Meteo](https://open-meteo.com/), "
    "[CC BY 4.0](https://creativecommons.org/licenses/by/4.0/), for non-commercial use.",
    "openweathermap": "Weather data provided by [OpenWeather](https://openweathermap.org/).",
}

BANNERS = {
    HomeKind.SIMULATED: "**Simulated weather.** Everything here is made up by citywx's simulator; "
    "none of it was measured.",
    HomeKind.REPLAY: "**Replay.** These readings come from a file, not from now; "
    "ages count from the newest reading in it.",
}

METHODS = {"linear_trend": "linear trend", "seasonal_naive": "same as today"}


_AUTOMATIC_LINK = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
"""Where an invisible joiner keeps an address from becoming a link by itself."""
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def escape(text: str) -> str:
    r"""Text from outside, for where Streamlit reads Markdown: no link, image or colour comes of it.

    >>> print(escape("![x](a.png) :red[1]"))
    \!\[x\]\(a\.png\) \:red\[1\]
    """
    plain = _AUTOMATIC_LINK.sub("\u2060", " ".join(text.split()))
    return _PUNCTUATION.sub(r"\\\1", plain)


def quantity(variable: str, value: float | None) -> str:
    """A value with its unit.

    >>> quantity("temperature_c", -0.04)
    '0.0 °C'
    >>> quantity("humidity", None)
    '–'
    """
    if value is None or math.isnan(value):
        return "–"
    digits = DIGITS[variable]
    return f"{round(value, digits) + 0.0:.{digits}f} {UNITS[variable]}"


def age(length: timedelta) -> str:
    """How long ago, in one rounded-down unit.

    >>> age(timedelta(minutes=61)), age(timedelta(seconds=-3))
    ('1 h', '0 s')
    """
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def reading_age(observed: datetime, now: datetime, newest: datetime, kind: HomeKind) -> str:
    """How old a reading is; in a replay, compared with the newest reading of all cities."""
    if kind is not HomeKind.REPLAY:
        return f"{age(now - observed)} ago"
    if observed >= newest:
        return "newest of the replay"
    return f"{age(newest - observed)} before the newest of the replay"


def local_time(moment: datetime, city: City) -> str:
    """A time in a city's zone, with the zone's name.

    >>> from datetime import UTC
    >>> local_time(datetime(2026, 7, 1, 12, 5, tzinfo=UTC), City("Cairo", time_zone="Africa/Cairo"))
    'Wed 1 Jul 2026, 15:05 EEST'
    """
    local = moment.astimezone(city.zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {zone_name(local)}"


def short_time(moment: datetime, city: City) -> str:
    """A local time for tables.

    >>> from datetime import UTC
    >>> short_time(datetime(2026, 1, 1, 12, tzinfo=UTC), City("Lima", time_zone="America/Lima"))
    '1 Jan 2026, 07:00 UTC-05'
    """
    local = moment.astimezone(city.zone)
    return f"{local.day} {local:%b %Y, %H:%M} {zone_name(local)}"


def day_name(moment: datetime, city: City) -> str:
    """The local day in which a moment lies.

    >>> from datetime import UTC
    >>> day_name(datetime(2026, 7, 1, 23, 5, tzinfo=UTC), City("Cairo", time_zone="Africa/Cairo"))
    'Thursday 2 July'
    """
    local = moment.astimezone(city.zone)
    return f"{local:%A} {local.day} {local:%B}"


def zone_name(local: datetime) -> str:
    """A zone's abbreviation; where it has none but a number, as UTC offset."""
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[:1] in "+-" else name


def source_name(source: str) -> str:
    """What a source is called.

    >>> source_name("open-meteo"), source_name("roof")
    ('Open-Meteo', 'roof')
    """
    return SOURCES.get(source, source)


def method_name(method: str) -> str:
    """What a forecast method is called."""
    return METHODS.get(method, method.replace("_", " "))


def skill_sentence(method: str, skill: float | None) -> str:
    """How good a method has been on a city's own history, against the simplest there is.

    >>> skill_sentence("linear_trend", -0.78)
    "linear trend: 78 % worse than 'same as today' on this city's own history"
    """
    name = method_name(method)
    if skill is None or math.isnan(skill):
        return f"{name}: not enough history yet to say how good it is here"
    percent = round(abs(skill) * 100)
    if percent == 0:
        return f"{name}: as good as 'same as today' on this city's own history"
    word = "better" if skill > 0 else "worse"
    return f"{name}: {percent} % {word} than 'same as today' on this city's own history"


def no_prediction(points: int, needed: int) -> str:
    """Why there is no prediction.

    >>> no_prediction(3, 50)
    'collecting: 3 of 50 readings'
    """
    if points < needed:
        return f"collecting: {points} of {needed} readings"
    return "predicted after the next cleaning run"


def attributions(sources: Iterable[str]) -> list[str]:
    """What must be said about where the data come from."""
    return [ATTRIBUTIONS[source] for source in sorted(set(sources)) if source in ATTRIBUTIONS]
