"""Which city is near another, so that each is evidence for the other's quality control.

Two cities that are resolved (their coordinates are known) and at most 40 km apart share their
weather closely enough for that. What is done with the evidence belongs in
`citywx.weather.quality.buddies`.
"""

from typing import Final

from sqlalchemy import Connection, text

from citywx.warehouse.watermarks import LogPlace

NEAR_KM: Final = 40.0
_DEGREES: Final = 0.5  # of latitude: 55 km, a first and cheap look
_EARTH_RADIUS_KM: Final = 6371.0
_KM_PER_DEGREE: Final = 111.0  # of latitude

_DISTANCE = f"""
    2 * {_EARTH_RADIUS_KM} * asin(least(1, sqrt(
        power(sin(radians(near.latitude - own.latitude) / 2), 2)
        + cos(radians(own.latitude)) * cos(radians(near.latitude))
            * power(sin(radians(near.longitude - own.longitude) / 2), 2)
    )))
"""
_NEAREST_WITHIN = text(
    f"""
    SELECT near.name FROM cities AS own JOIN cities AS near
        ON near.name <> own.name AND near.resolved AND own.resolved
        AND near.latitude BETWEEN own.latitude - :degrees AND own.latitude + :degrees
        AND {_DISTANCE} <= :km
    WHERE own.name = :city ORDER BY {_DISTANCE}, near.name LIMIT :most
    """  # noqa: S608 - numbers and names of our own, as below
)
_IS_NEAR = f"""
    near.name <> own.name AND near.resolved AND own.resolved
    AND near.latitude BETWEEN own.latitude - {_DEGREES} AND own.latitude + {_DEGREES}
    AND {_DISTANCE} <= {NEAR_KM}
"""
_NEAREST = text(
    f"""
    SELECT near.name FROM cities AS own JOIN cities AS near ON {_IS_NEAR}
    WHERE own.name = :city ORDER BY {_DISTANCE}, near.name LIMIT 1
    """  # noqa: S608 - numbers and names of our own, as below
)
_NOTE = text(
    f"""
    INSERT INTO dirty_windows (
        city, day, first_timestamp, last_timestamp, segment_no, byte_offset
    )
    SELECT near.name, noted.day, noted.first_timestamp, noted.last_timestamp,
        noted.segment_no, noted.byte_offset
    FROM dirty_windows AS noted
    JOIN cities AS own ON own.name = noted.city
    JOIN cities AS near ON {_IS_NEAR}
    WHERE noted.segment_no = :segment_no AND noted.byte_offset = :byte_offset
    """  # noqa: S608
)


def cities_within(connection: Connection, city: str, km: float, most: int) -> list[str]:
    """The nearest other cities within so many kilometres, nearest first, at most so many."""
    wanted = {"city": city, "km": km, "degrees": km / _KM_PER_DEGREE, "most": most}
    return list(connection.execute(_NEAREST_WITHIN, wanted).scalars())


def nearest_city(connection: Connection, city: str) -> str | None:
    """The nearest other city within `NEAR_KM` (haversine), or None."""
    found: str | None = connection.execute(_NEAREST, {"city": city}).scalar()
    return found


def note_windows_nearby(connection: Connection, place: LogPlace) -> None:
    """What the batch that ends at `place` made dirty is dirty in the cities nearby as well."""
    connection.execute(_NOTE, {"segment_no": place.segment_no, "byte_offset": place.byte_offset})
