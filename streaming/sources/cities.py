"""From the entries of CITIES to cities with coordinates and time zones, found once and kept.

What was found stays in `state/cities.json` by entry, so that later starts need no look-up and a
city keeps its name when another of the same name joins it. The table `cities` gets the same.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from citywx.home import write_private
from citywx.weather.city import City
from streaming.sources.city_entries import CityEntry, CityEntryError, parse_city_entry
from streaming.sources.city_lookup import CityTable

_log = logging.getLogger(__name__)

Geocoder = Callable[[CityEntry], City | None]
"""Asks a service for a place; None when it knows none or cannot be reached."""


def resolve_cities(
    entries: Iterable[str], kept: Path, geocode: Geocoder | None = None
) -> dict[str, City]:
    """The cities by entry, of all that can be resolved; a log line for each that cannot."""
    known = _load(kept)
    cities = {}
    table: CityTable | None = None
    found_new = False
    for text in entries:
        city = known.get(text)
        if city is None:
            table = table or CityTable()
            city = _resolve(text, table, geocode)
            if city is None:
                continue
            known[text] = city = _unique(city, text, known.values())
            found_new = True
            _log.info("%s", describe(city))
        cities[text] = city
    if found_new:
        _save(kept, known)
    return cities


def look_up_names(names: Iterable[str], kept: Path) -> list[City]:
    """The cities of a recorded file that the offline table knows, by their names in it.

    The others keep their readings; only their place and time zone stay unknown.
    """
    known = _load(kept)
    missing = [name for name in names if name not in known]
    if missing:
        table = CityTable()
        found = {name: table.find(CityEntry(name, name)) for name in missing}
        known |= {name: city for name, city in found.items() if city is not None}
        _save(kept, known)
        if unknown := sorted(name for name, city in found.items() if city is None):
            _log.warning("places of %s are unknown: they count in UTC", ", ".join(unknown))
    return [known[name] for name in names if name in known]


def known_cities(kept: Path) -> dict[str, City]:
    """The cities that were found so far, by their names in the log."""
    return {city.name: city for city in _load(kept).values()}


def describe(city: City) -> str:
    """A line for people, so that a wrong place is noticed."""
    where = f"{city.latitude:.2f}, {city.longitude:.2f}" if city.resolved else "unknown place"
    return f"city {city.name}: {city.country or 'no country'}, {where}, {city.time_zone}"


def _resolve(text: str, table: CityTable, geocode: Geocoder | None) -> City | None:
    try:
        entry = parse_city_entry(text)
    except CityEntryError as error:
        _log.error("%s; it is left out", error)
        return None
    city = table.find(entry) or (geocode(entry) if geocode else None)
    if city is None:
        _log.error(
            "CITIES entry %r was not found and is left out: check its spelling, add the country "
            "(`Name, Country`), or write its coordinates (`%s@latitude,longitude`)",
            text,
            entry.name,
        )
    return city


def _unique(city: City, text: str, others: Iterable[City]) -> City:
    """The city under a name of its own: the whole entry where the short name is taken."""
    for other in others:
        if other.name == city.name and (other.latitude, other.longitude) != (
            city.latitude,
            city.longitude,
        ):
            fields = asdict(city) | {"name": text}
            return City(**fields)
    return city


def _load(kept: Path) -> dict[str, City]:
    try:
        body = json.loads(kept.read_bytes())
        return {str(text): City(**fields) for text, fields in body.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError):
        _log.warning("%s is damaged: looking the cities up again", kept)
        return {}


def _save(kept: Path, known: Mapping[str, City]) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    body = {text: asdict(city) for text, city in known.items()}
    write_private(kept, json.dumps(body, ensure_ascii=False, indent=1) + "\n")
