"""What quality control can say of a reading: flags, how bad each is, masks of them.

A flag never removes a reading or a value; it is stored beside it. How a flag is raised belongs in
the modules beside this one; arrays of masks in `masks`; what is done about a doubtful value, in
`citywx.weather.cleaning`. Standard library only: the alerter flags single readings.
"""

from collections.abc import Iterable, Sequence
from enum import Enum, IntEnum
from functools import cache
from types import MappingProxyType
from typing import Final

from citywx.weather.reading import MEASURES

QC_VERSION: Final = 1
"""Raised whenever a test or a limit changes, so that rows of older rules can be told apart."""


class QcFlag(Enum):
    """Why a reading is doubtful: the name is stored, the value is the sentence for people."""

    TEMPERATURE_RANGE = "Temperature outside anything ever measured on Earth"
    HUMIDITY_RANGE = "Humidity below 0 % or above 100 %"
    PRESSURE_RANGE = "Sea-level pressure outside anything ever measured on Earth"
    WIND_RANGE = "Wind speed negative, or above anything ever measured on Earth"
    TEMPERATURE_FAHRENHEIT = "Temperature looks like degrees Fahrenheit"
    TEMPERATURE_SIGN = "Temperature looks as if its minus sign was dropped"
    PRESSURE_UNIT = "Pressure looks like inches of mercury or another unit"
    TEMPERATURE_CLIMATE = "Temperature far outside what this city has in this month"
    PRESSURE_CLIMATE = "Pressure far outside what this city has in this month"
    WIND_CLIMATE = "Wind far stronger than this city has in this month"
    TEMPERATURE_SPIKE = "Temperature differs from the readings before and after it"
    HUMIDITY_SPIKE = "Humidity differs from the readings before and after it"
    WIND_SPIKE = "Wind speed differs from the readings before and after it"
    TEMPERATURE_STEP = "Temperature jumped further than weather does in that time"
    HUMIDITY_STEP = "Humidity jumped further than weather does in that time"
    PRESSURE_STEP = "Pressure jumped further than weather does in that time"
    PRESSURE_LEVEL = "Pressure jumped to another level, such as the station's, and back"
    TEMPERATURE_STUCK = "Temperature unchanged for hours: the sensor may be stuck"
    HUMIDITY_STUCK = "Humidity unchanged for hours: the sensor may be stuck"
    PRESSURE_STUCK = "Pressure unchanged for half a day: the sensor may be stuck"
    WIND_STUCK = "Wind speed unchanged for a day, and not calm: the sensor may be stuck"
    ALL_STUCK = "Nothing changed for hours: the station may repeat an old report"
    RAIN_IN_DRY_AIR = "Rain reported in very dry air: the humidity may be wrong"
    SOURCES_DISAGREE = "Another source reports a very different temperature for this time"
    HUMIDITY_DISAGREES = "Another source reports a very different humidity for this time"
    PRESSURE_DISAGREES = "Another source reports a very different pressure for this time"
    NEARBY_DISAGREES = "Temperature moved away from that of a city nearby"
    LATE = "The reading arrived hours after it was made"
    IMPUTED = "A missing value was filled in between its neighbours in time"


class Severity(IntEnum):
    """What a flag means for its row."""

    NOTE = 1
    """Worth knowing; no value is doubted."""
    SUSPECT = 3
    FAIL = 4


class Verdict(IntEnum):
    """A row in one number: the codes of IOOS QARTOD."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


_FAILING = (
    QcFlag.TEMPERATURE_RANGE,
    QcFlag.HUMIDITY_RANGE,
    QcFlag.PRESSURE_RANGE,
    QcFlag.WIND_RANGE,
    QcFlag.TEMPERATURE_FAHRENHEIT,
    QcFlag.PRESSURE_UNIT,
)
_NOTES = (QcFlag.LATE, QcFlag.IMPUTED)
_MEASURE_OF_PREFIX = {
    "TEMPERATURE": ("temperature_c",),
    "HUMIDITY": ("humidity",),
    "PRESSURE": ("pressure",),
    "WIND": ("wind_speed",),
    "ALL": MEASURES,
    "RAIN": ("humidity",),
    "SOURCES": ("temperature_c",),
    "NEARBY": ("temperature_c",),
}

DOUBTS: Final = MappingProxyType(
    {flag: _MEASURE_OF_PREFIX.get(flag.name.partition("_")[0], ()) for flag in QcFlag}
)
"""The measures that each flag puts in doubt."""

SEVERITIES: Final = MappingProxyType(
    {
        flag: Severity.FAIL
        if flag in _FAILING
        else Severity.NOTE
        if flag in _NOTES
        else Severity.SUSPECT
        for flag in QcFlag
    }
)
"""How bad each flag is."""

BIT: Final = MappingProxyType({flag: 1 << place for place, flag in enumerate(QcFlag)})
"""Each flag's bit in a mask of flags."""


UNKNOWN: Final = 1 << 62
"""The bit of names that this version does not know; `WeatherReadings` lets none pass."""


def bits(flags: Iterable[QcFlag]) -> int:
    """The mask that has exactly these flags."""
    return sum(BIT[flag] for flag in set(flags))


@cache
def flag_names(mask: int) -> tuple[str, ...]:
    """The names of the flags in a mask, in the enum's order.

    >>> flag_names(mask_of(("WIND_RANGE", "TEMPERATURE_RANGE")))
    ('TEMPERATURE_RANGE', 'WIND_RANGE')
    """
    return tuple(flag.name for flag, bit in BIT.items() if mask & bit)


def mask_of(names: Sequence[str]) -> int:
    """The mask of these flags; a name that is none gives `UNKNOWN`."""
    return _mask_of(tuple(names))


@cache
def _mask_of(names: tuple[str, ...]) -> int:
    known = bits(QcFlag[name] for name in names if name in QcFlag.__members__)
    return known if QcFlag.__members__.keys() >= set(names) else known | UNKNOWN


@cache
def measure_names(mask: int) -> tuple[str, ...]:
    """The measures in a mask, such as `imputed`, in the order of `MEASURES`.

    >>> measure_names(5)
    ('temperature_c', 'pressure')
    """
    return tuple(name for place, name in enumerate(MEASURES) if mask >> place & 1)


def measure_mask(names: Sequence[str]) -> int:
    """The mask of these measures; another name gives `UNKNOWN`."""
    places = {MEASURES.index(name) if name in MEASURES else -1 for name in names}
    return sum(UNKNOWN if place < 0 else 1 << place for place in places)


@cache
def doubting(measure: str) -> int:
    """The mask of all flags that put this measure in doubt."""
    return bits(flag for flag, measures in DOUBTS.items() if measure in measures)


@cache
def of_severity(severity: Severity) -> int:
    """The mask of all flags of a severity."""
    return bits(flag for flag, its in SEVERITIES.items() if its is severity)
