"""WMO weather codes (table 4677, as Open-Meteo uses it) in OpenWeatherMap's words."""

WORDS = {
    0: "clear sky",
    1: "few clouds",
    2: "scattered clouds",
    3: "overcast clouds",
    45: "fog",
    48: "freezing fog",
    51: "light drizzle",
    53: "drizzle",
    55: "heavy drizzle",
    56: "light freezing drizzle",
    57: "freezing drizzle",
    61: "light rain",
    63: "moderate rain",
    65: "heavy rain",
    66: "light freezing rain",
    67: "freezing rain",
    71: "light snow",
    73: "snow",
    75: "heavy snow",
    77: "snow grains",
    80: "light rain showers",
    81: "rain showers",
    82: "violent rain showers",
    85: "light snow showers",
    86: "snow showers",
    95: "thunderstorm",
    96: "thunderstorm with light hail",
    99: "thunderstorm with hail",
}


def describe(code: float | None) -> str | None:
    """The words for a code; None for one that is absent or unknown.

    >>> describe(61)
    'light rain'
    """
    return None if code is None else WORDS.get(int(code))
