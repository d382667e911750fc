"""What an entry of CITIES says; finding the place that it means is `city_lookup`'s matter."""

import math
from dataclasses import dataclass

_LATITUDE = 90.0
_LONGITUDE = 180.0


class CityEntryError(ValueError):
    """An entry of CITIES cannot be understood, or its place not found; says what to do."""


@dataclass(frozen=True, slots=True)
class CityEntry:
    """One entry: a name, what narrows it down, or exact coordinates."""

    text: str
    name: str
    qualifiers: tuple[str, ...] = ()
    """Region and country, as written, most general last."""
    coordinates: tuple[float, float] | None = None
    """Degrees north and east."""


def parse_city_entry(text: str) -> CityEntry:
    """Read `Cairo`, `Portland, Oregon, US` or `Roof@30.04,31.24`.

    >>> parse_city_entry("Roof@30.04,31.24").coordinates
    (30.04, 31.24)
    >>> parse_city_entry("Portland, Oregon, US").qualifiers
    ('Oregon', 'US')
    """
    text = " ".join(text.split())
    if not text.isprintable():
        message = f"CITIES entry {text!r} holds control characters"
        raise CityEntryError(message)
    name, at, place = text.rpartition("@")
    if at:
        return CityEntry(text, _name(text, name), coordinates=_coordinates(text, place))
    name, *qualifiers = (part.strip() for part in text.split(","))
    return CityEntry(text, _name(text, name), tuple(part for part in qualifiers if part))


def _name(text: str, name: str) -> str:
    if not name.strip():
        message = f"CITIES entry {text!r} has no name: write it like `Roof@30.04,31.24`"
        raise CityEntryError(message)
    return name.strip()


def _coordinates(text: str, place: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in place.split(","))
    except ValueError:
        latitude = longitude = math.nan
    if not (abs(latitude) <= _LATITUDE and abs(longitude) <= _LONGITUDE):
        message = (
            f"CITIES entry {text!r} needs latitude and longitude in degrees after the @, "
            "like `Roof@30.04,31.24`"
        )
        raise CityEntryError(message)
    return latitude, longitude
