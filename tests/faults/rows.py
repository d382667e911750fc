"""The rows that fault tests write: each follows from its number, and so do the alerts.

Every city's temperature goes above and below 23 °C in turn, so that each row of it but a first low
one is an alert event, and a row that was not decided on shows as an event that is missing.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from citywx.weather.alerting.events import alert_id
from citywx.weather.reading import Reading, to_csv_line

CITIES = ("Cairo", "Lima", "Oslo", "Quito", "São Paulo")
START = datetime(2026, 3, 1, tzinfo=UTC)
RULE = "above-23"

Event = tuple[str, str]
"""Alert id and event."""
EventContent = tuple[str, datetime, float]
"""City, observation time and value."""


def reading(number: int, fetched_at: datetime | None = None) -> Reading:
    """The reading of row `number`: one of a city's, a second after its last."""
    turn, city = divmod(number, len(CITIES))
    return Reading(
        START + timedelta(seconds=turn),
        CITIES[city],
        temperature_c=(25.0 if turn % 2 else 20.0) + number % 97 / 100,
        humidity=float(number % 89),
        pressure=1000 + number % 83 / 10,
        wind_speed=number % 79 / 10,
        fetched_at=fetched_at,
    )


def number_of(city: str, timestamp: datetime) -> int | None:
    """The number of the row with that identity; None for no row of ours."""
    turn, rest = divmod(timestamp - START, timedelta(seconds=1))
    if city not in CITIES or rest or turn < 0:
        return None
    return turn * len(CITIES) + CITIES.index(city)


def digest(row: Reading) -> bytes:
    """SHA-256 of the row's line, without the time of writing."""
    unstamped = Reading(*(getattr(row, name) for name in Reading._fields[:-1]))
    return hashlib.sha256(to_csv_line(unstamped)).digest()


def expected_events(count: int) -> Iterator[tuple[Event, EventContent]]:
    """The alert events that rows 0 to `count` set off, by what they say."""
    for number in range(len(CITIES), count):
        row = reading(number)
        high = number // len(CITIES) % 2 == 1
        first = row if high else reading(number - len(CITIES))
        key = (alert_id(RULE, row.city, first.timestamp), "fired" if high else "resolved")
        yield key, (row.city, row.timestamp, float(row.temperature_c or 0))
