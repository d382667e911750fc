"""The table `cities`: what is known of each place; finding it belongs in `streaming.sources`."""

from collections.abc import Iterable

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from citywx.warehouse.tables import cities
from citywx.weather.city import City


def known_cities(connection: Connection) -> list[City]:
    """Every city that has readings or is polled, by name."""
    columns = cities.c
    rows = connection.execute(
        select(
            columns.name,
            columns.country,
            columns.latitude,
            columns.longitude,
            columns.time_zone,
            columns.elevation_m,
        ).order_by(columns.name)
    )
    return [City(*row) for row in rows]


def save_city(connection: Connection, city: City) -> None:
    """Write what is known of a city; one whose place is unknown never replaces a known one."""
    if not city.resolved:
        add_unresolved(connection, [city.name])
        return
    found = {
        "country": city.country,
        "latitude": city.latitude,
        "longitude": city.longitude,
        "time_zone": city.time_zone,
        "elevation_m": city.elevation_m,
        "resolved": True,
    }
    connection.execute(
        insert(cities)
        .values(name=city.name, **found)
        .on_conflict_do_update(index_elements=["name"], set_=found)
    )


def add_unresolved(connection: Connection, names: Iterable[str]) -> None:
    """Add cities of which only the name is known; their days are counted in UTC."""
    rows = [{"name": name} for name in sorted(set(names))]
    if rows:
        connection.execute(insert(cities).on_conflict_do_nothing(), rows)
