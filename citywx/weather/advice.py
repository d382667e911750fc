"""What a reading means for people: one line of advice a rule, each with its source.

`RULES` is the whole of it, in the order in which advice is given. Formulas stand in
`citywx.weather.comfort`; alerts, which notify, in `citywx.weather.alerting`.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from citywx.weather.comfort import (
    BEAUFORT_NAMES,
    beaufort,
    celsius,
    heat_index,
    humidex,
    wind_chill,
)
from citywx.weather.reading import Reading


@dataclass(frozen=True, slots=True)
class Advice:
    """One line of advice."""

    rule: str
    """Name of the rule that gave it, one of `RULES`, or `fine` or `too_little`."""
    text: str
    source: str
    """The norm that the rule follows."""


class Moment(StrEnum):
    """Which reading of a longer time a rule looks at."""

    WORDS = "words"
    """No single one: all the weather words of the time."""
    HOTTEST = "hottest"
    COLDEST = "coldest"
    WINDIEST = "windiest"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: when `text` returns a line, it is advised."""

    name: str
    text: Callable[[Reading], str | None]
    looks_at: Moment
    source: str


@dataclass(frozen=True, slots=True)
class Level:
    """Up from `limit` (COLD: below it), in the rule's own quantity, a rule says `text`."""

    limit: float
    text: str


WORDS = {
    "thunderstorm": {"thunderstorm", "thunderstorms", "thunder", "lightning"},
    "squall": {"squall", "squalls", "tornado", "tornadoes"},
    "snow": {"snow", "sleet", "blizzard", "snowfall", "snowflakes", "flurries"},
    "ice": {"freezing", "ice", "icy", "hail", "graupel", "rime"},
    "rain": {"rain", "rainy", "drizzle", "raining"},
    "shower": {"shower", "showers"},
    "fog": {"fog", "foggy", "rime"},
    "mist": {"mist", "misty"},
    "dirty_air": {"haze", "smoke", "dust", "sand", "ash", "sandstorm", "smog"},
}
"""The words, of services and of WMO code tables, that name a phenomenon. Whole words only."""

_WORD = re.compile(r"[^\W\d_]+")
_DENIED = re.compile(r"\b(?:no|without)\s+\w+")

HEAT = (
    Level(celsius(80), "Warm: take breaks in the shade and drink water."),
    Level(celsius(90), "Very hot: avoid effort in the afternoon, drink often, wear a hat."),
    Level(celsius(103), "Dangerous heat: stay in cool rooms and look after older neighbours."),
    Level(celsius(125), "Extreme heat: heat stroke is likely. Do not exert yourself outdoors."),
)
"""Levels by heat index, °C. Source: NWS heat index chart (80, 90, 103 and 125 °F)."""

COLD = (
    Level(10.0, "Cold: a warm coat is a good idea."),
    Level(0.0, "Feels below freezing: dress in layers."),
    Level(-28.0, "Severe cold: bare skin can freeze within 30 minutes. Cover face and hands."),
    Level(-36.0, "Extreme cold: bare skin can freeze within 10 minutes. Stay indoors if you can."),
)
"""Levels by wind chill, °C: `low_temp`'s 10 °C, frost, and the NWS wind chill chart."""

WIND = (
    Level(10.8, "umbrellas are hard to hold."),
    Level(13.9, "secure loose things, and drive with care."),
    Level(17.2, "stay away from trees and scaffolding, and avoid travel by bicycle."),
    Level(24.5, "stay indoors, away from windows."),
)
"""Levels by mean wind, m/s: Beaufort 6, 7 (the NWS wind advisory's 31 mph), 8 and 10."""

HUMID = (
    Level(30.0, "Muggy: it feels warmer than it is. Wear light clothes."),
    Level(40.0, "Very muggy: avoid effort, and drink water."),
)
"""Levels by humidex. Source: Environment Canada (30 some discomfort, 40 great discomfort)."""

_HUMIDEX_FROM_C = 20.0

_TEMPERATURE_BOUNDS = (-10.0, 0.0, 10.0, 18.0, math.nextafter(23.0, 24.0), 27.0, 32.0)
_TEMPERATURE_MESSAGES = (
    "Bitterly cold: keep outings short.",
    "Freezing: dress in layers.",
    "Cold: wear a warm coat.",
    "Cool: take a jacket.",
    "Mild and comfortable.",
    "Warm: light clothes will do.",
    "Hot: drink water and seek shade.",
    "Very hot: avoid the midday sun.",
)


def temp_message(temperature_c: float | None) -> str | None:
    """A sentence about a temperature (°C) alone; None without one.

    Warm begins above 23 °C, as `mod_high_temp` does, and cold below 10 °C.

    >>> temp_message(23.0), temp_message(23.1)
    ('Mild and comfortable.', 'Warm: light clothes will do.')
    """
    if temperature_c is None or not math.isfinite(temperature_c):
        return None
    return _TEMPERATURE_MESSAGES[bisect_right(_TEMPERATURE_BOUNDS, temperature_c)]


def phenomena(weather: str | None) -> frozenset[str]:
    """The phenomena, keys of `WORDS`, that a description names.

    >>> sorted(phenomena("thunderstorm with light rain"))
    ['rain', 'thunderstorm']
    >>> phenomena("clear over the train drains, no rain")
    frozenset()
    """
    spoken = _DENIED.sub(" ", (weather or "").casefold())
    words = set(_WORD.findall(spoken))
    return frozenset(name for name, known in WORDS.items() if words & known)


def build_advice(reading: Reading) -> tuple[Advice, ...]:
    """Every line of advice that a reading gives cause for, most urgent first; never empty.

    A value that is missing leaves out the rules that need it.

    >>> from datetime import UTC, datetime
    >>> wet = Reading(datetime(2026, 3, 1, tzinfo=UTC), "Oslo", 12.0, weather="light rain")
    >>> [advice.text for advice in build_advice(wet)]
    ['Rain: take an umbrella!']
    """
    return advise_on_period(dict.fromkeys(Moment, reading))


def advise_on_period(moments: Mapping[Moment, Reading]) -> tuple[Advice, ...]:
    """The advice for a longer time, from its telling readings; a moment may be missing."""
    lines = tuple(
        Advice(rule.name, text, rule.source)
        for rule in RULES
        if (reading := moments.get(rule.looks_at)) and (text := rule.text(reading))
    )
    if lines:
        return lines
    if any(reading.weather or reading.temperature_c is not None for reading in moments.values()):
        return (Advice("fine", "Nothing to prepare for: enjoy the day.", "citywx"),)
    return (Advice("too_little", "Too little was reported for advice.", "citywx"),)


def _thunderstorm(reading: Reading) -> str | None:
    seen = phenomena(reading.weather)
    if "thunderstorm" in seen:
        return "Thunderstorm: go indoors, and stay there until 30 minutes after the last thunder."
    if "squall" in seen:
        return "Violent wind: go indoors, away from windows."
    return None


def _snow_or_ice(reading: Reading) -> str | None:
    seen = phenomena(reading.weather)
    if "ice" in seen:
        return "Ice or hail: roads and pavements may be slippery. Leave more time."
    if "snow" in seen:
        return "Snow: wear boots with a good grip, and leave more time."
    return None


def _rain(reading: Reading) -> str | None:
    seen = phenomena(reading.weather)
    showers_of_rain = "shower" in seen and "snow" not in seen
    return "Rain: take an umbrella!" if "rain" in seen or showers_of_rain else None


def _visibility(reading: Reading) -> str | None:
    seen = phenomena(reading.weather)
    if "fog" in seen:
        return "Fog: you may see less than 1 km. Drive slowly with low beams."
    if "mist" in seen:
        return "Mist: visibility is reduced. Drive with care."
    return None


def _dirty_air(reading: Reading) -> str | None:
    if "dirty_air" in phenomena(reading.weather):
        return "Haze, smoke or dust: close the windows, and go easy if your lungs are sensitive."
    return None


def _heat(reading: Reading) -> str | None:
    if reading.temperature_c is None:
        return None
    if reading.humidity is None:
        return _text_from(HEAT, reading.temperature_c)
    return _text_from(HEAT, heat_index(reading.temperature_c, reading.humidity))


def _cold(reading: Reading) -> str | None:
    if reading.temperature_c is None:
        return None
    felt = wind_chill(reading.temperature_c, reading.wind_speed or 0.0)
    passed = bisect_left([-level.limit for level in COLD], -felt)
    return COLD[passed - 1].text if passed else None


def _wind(reading: Reading) -> str | None:
    if reading.wind_speed is None:
        return None
    text = _text_from(WIND, reading.wind_speed)
    name = BEAUFORT_NAMES[beaufort(reading.wind_speed)].capitalize()
    return None if text is None else f"{name}: {text}"


def _humidity(reading: Reading) -> str | None:
    if reading.temperature_c is None or reading.humidity is None:
        return None
    if reading.temperature_c < _HUMIDEX_FROM_C or _heat(reading) is not None:
        return None  # the heat index, which says the same more strongly, has spoken
    return _text_from(HUMID, humidex(reading.temperature_c, reading.humidity))


def _text_from(levels: tuple[Level, ...], value: float) -> str | None:
    reached = bisect_right([level.limit for level in levels], value)
    return levels[reached - 1].text if reached else None


RULES = (
    Rule(
        "thunderstorm",
        _thunderstorm,
        Moment.WORDS,
        "NWS thunder safety; WMO 4677 code 95–99",
    ),
    Rule("heat", _heat, Moment.HOTTEST, "NWS heat index chart: 80, 90, 103 and 125 °F"),
    Rule(
        "cold",
        _cold,
        Moment.COLDEST,
        "NWS wind chill chart: −28 and −36 °C",
    ),
    Rule(
        "wind",
        _wind,
        Moment.WINDIEST,
        "Beaufort 6, 7, 8, 10; NWS wind advisory, 31 mph",
    ),
    Rule("snow_ice", _snow_or_ice, Moment.WORDS, "WMO 4677 code 56–57, 66–79 and 83–90"),
    Rule("rain", _rain, Moment.WORDS, "WMO 4677 code 50–65 and 80–82"),
    Rule(
        "visibility",
        _visibility,
        Moment.WORDS,
        "WMO: fog below 1 km; UK Met Office terms",
    ),
    Rule("dirty_air", _dirty_air, Moment.WORDS, "WMO 4677 code 04–09 and 30–35"),
    Rule("humidity", _humidity, Moment.HOTTEST, "Environment Canada humidex: 30 and 40"),
)
"""All rules, most urgent first."""
