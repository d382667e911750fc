"""How weather feels: dew point, heat index, wind chill, humidex, Beaufort, pressure tendency.

Formulas with their constants, validity and source; what to advise about them stands in
`citywx.weather.advice`. Temperatures are °C, humidity is relative in %, wind is m/s at 10 m.
"""

import math
from bisect import bisect_right
from enum import StrEnum

_MAGNUS_B = 17.625
_MAGNUS_C = 243.04  # °C
_LOWEST_HUMIDITY = 0.1  # %: the logarithm needs more than zero

_HEAT_INDEX_FULL_FROM_F = 80.0
_WIND_CHILL_UP_TO_C = 10.0
_WIND_CHILL_ABOVE_KMH = 4.8
_KMH_PER_MS = 3.6

BEAUFORT_MS = (0.3, 1.6, 3.4, 5.5, 8.0, 10.8, 13.9, 17.2, 20.8, 24.5, 28.5, 32.7)
"""Lower bounds, m/s, of Beaufort 1 to 12."""

BEAUFORT_NAMES = (
    "calm",
    "light air",
    "light breeze",
    "gentle breeze",
    "moderate breeze",
    "fresh breeze",
    "strong breeze",
    "near gale",
    "gale",
    "severe gale",
    "storm",
    "violent storm",
    "hurricane force",
)


class Tendency(StrEnum):
    """How fast sea-level pressure changes over 3 h; the value is the UK Met Office's term."""

    STEADY = "steady"
    RISING_SLOWLY = "rising slowly"
    RISING = "rising"
    RISING_QUICKLY = "rising quickly"
    RISING_VERY_RAPIDLY = "rising very rapidly"
    FALLING_SLOWLY = "falling slowly"
    FALLING = "falling"
    FALLING_QUICKLY = "falling quickly"
    FALLING_VERY_RAPIDLY = "falling very rapidly"


_TENDENCY_BOUNDS_HPA = (0.1, 1.6, 3.6, 6.05)  # reports have one decimal: 6.0 is still "quickly"
_RISING = (
    Tendency.STEADY,
    Tendency.RISING_SLOWLY,
    Tendency.RISING,
    Tendency.RISING_QUICKLY,
    Tendency.RISING_VERY_RAPIDLY,
)
_FALLING = (
    Tendency.STEADY,
    Tendency.FALLING_SLOWLY,
    Tendency.FALLING,
    Tendency.FALLING_QUICKLY,
    Tendency.FALLING_VERY_RAPIDLY,
)


def fahrenheit(celsius: float) -> float:
    """°C to °F.

    >>> fahrenheit(100)
    212.0
    """
    return celsius * 9 / 5 + 32


def celsius(fahrenheit: float) -> float:
    """°F to °C.

    >>> celsius(-40)
    -40.0
    """
    return (fahrenheit - 32) * 5 / 9


def dew_point(temperature_c: float, humidity: float) -> float:
    """Dew point in °C, by the Magnus formula over water.

    With b = 17.625 and c = 243.04 °C (Alduchov and Eskridge 1996: within 0.4 °C from −40 to
    +50 °C). Humidity is clamped to (0, 100].

    >>> round(dew_point(25, 50), 1)
    13.9
    >>> round(dew_point(10, 100), 1)
    10.0
    """
    share = min(max(humidity, _LOWEST_HUMIDITY), 100.0) / 100
    gamma = math.log(share) + _MAGNUS_B * temperature_c / (_MAGNUS_C + temperature_c)
    return _MAGNUS_C * gamma / (_MAGNUS_B - gamma)


def heat_index(temperature_c: float, humidity: float) -> float:
    """Heat index in °C, in the shade: the US National Weather Service's formula.

    Rothfusz's regression with its two adjustments from 80 °F up, Steadman's simple form below
    (wpc.ncep.noaa.gov/html/heatindex_equation.shtml). Meant for warm weather; below about 20 °C
    it says little.

    >>> round(fahrenheit(heat_index(celsius(90), 95)))
    127
    >>> round(heat_index(35, 40), 1)
    37.2
    """
    t = fahrenheit(temperature_c)
    simple = 0.5 * (t + 61.0 + (t - 68.0) * 1.2 + humidity * 0.094)
    if (simple + t) / 2 < _HEAT_INDEX_FULL_FROM_F:
        return celsius(simple)
    return celsius(_rothfusz(t, humidity) + _rothfusz_adjustment(t, humidity))


def _rothfusz(t: float, r: float) -> float:
    return (
        -42.379
        + 2.04901523 * t
        + 10.14333127 * r
        - 0.22475541 * t * r
        - 0.00683783 * t**2
        - 0.05481717 * r**2
        + 0.00122874 * t**2 * r
        + 0.00085282 * t * r**2
        - 0.00000199 * t**2 * r**2
    )


def _rothfusz_adjustment(t: float, r: float) -> float:
    if r < 13 and 80 <= t <= 112:  # noqa: PLR2004 - bounds of the published formula
        return -((13 - r) / 4) * math.sqrt((17 - abs(t - 95)) / 17)
    if r > 85 and 80 <= t <= 87:  # noqa: PLR2004 - bounds of the published formula
        return ((r - 85) / 10) * ((87 - t) / 5)
    return 0.0


def wind_chill(temperature_c: float, wind_speed: float) -> float:
    """Wind chill in °C: the index of the US and Canadian weather services of 2001.

    Valid at or below 10 °C and above 4.8 km/h; outside that the air temperature is returned.

    >>> round(wind_chill(-10, 30 / 3.6), 1)
    -19.5
    >>> wind_chill(15, 10)
    15
    """
    kmh = wind_speed * _KMH_PER_MS
    if temperature_c > _WIND_CHILL_UP_TO_C or kmh <= _WIND_CHILL_ABOVE_KMH:
        return temperature_c
    factor = math.pow(kmh, 0.16)
    return 13.12 + 0.6215 * temperature_c - 11.37 * factor + 0.3965 * temperature_c * factor


def humidex(temperature_c: float, humidity: float) -> float:
    """Humidex (no unit, reads like °C): Environment Canada's index of humid heat.

    `T + 0.5555 (e − 10)` with `e = 6.11 exp(5417.7530 (1/273.15 − 1/Td))`, Td in K. Sources differ
    between 273.15 and 273.16; this is 273.15. Meant for 20 °C and more; never below T.

    >>> round(humidex(30, 80), 2)
    43.67
    >>> humidex(30, 20)
    30
    """
    kelvin = dew_point(temperature_c, humidity) + 273.15
    vapour_pressure = 6.11 * math.exp(5417.7530 * (1 / 273.15 - 1 / kelvin))
    return max(temperature_c, temperature_c + 0.5555 * (vapour_pressure - 10))


def beaufort(wind_speed: float) -> int:
    """Beaufort number, 0 to 12, of a mean wind in m/s (WMO's bounds, `BEAUFORT_MS`).

    >>> beaufort(0.2), beaufort(10.8), beaufort(40)
    (0, 6, 12)
    """
    return bisect_right(BEAUFORT_MS, wind_speed)


def pressure_tendency(change_hpa: float) -> Tendency:
    """The term for a change of sea-level pressure over 3 h, in hPa.

    UK Met Office: steady below 0.1, slowly to 1.5, then rising or falling to 3.5, quickly to 6.0,
    very rapidly above.

    >>> str(pressure_tendency(-4.2))
    'falling quickly'
    """
    terms = _RISING if change_hpa > 0 else _FALLING
    return terms[bisect_right(_TENDENCY_BOUNDS_HPA, abs(change_hpa))]
