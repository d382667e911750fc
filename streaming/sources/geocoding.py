"""Choosing among the places that a service's geocoder found."""

from collections.abc import Iterable

from citywx.weather.city import City
from streaming.sources.answers import Json, number, text_or_none
from streaming.sources.city_entries import CityEntry
from streaming.sources.city_lookup import at_coordinates, country_code, fold


def best_match(
    entry: CityEntry, places: Iterable[Json], *, latitude: str, longitude: str, country: str
) -> City | None:
    """The first place that has every qualifier of the entry; the names say where its fields are."""
    for place in places:
        if all(_has(qualifier, place, country) for qualifier in entry.qualifiers):
            return at_coordinates(
                entry.name,
                number(place.get(latitude), latitude),
                number(place.get(longitude), longitude),
                text_or_none(place.get(country)),
            )
    return None


def _has(qualifier: str, place: Json, country: str) -> bool:
    """Whether a place's country or one of its regions is called so."""
    if country_code(qualifier) == place.get(country) is not None:
        return True
    return any(fold(value) == fold(qualifier) for value in place.values() if isinstance(value, str))
