"""A city nearby is evidence, in whatever order the readings of the two come."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from citywx.settings import Settings
from citywx.warehouse.clean import clean_days
from citywx.warehouse.load import load_log
from citywx.warehouse.near import nearest_city
from citywx.weather.reading import Reading, to_csv_line

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 1, tzinfo=UTC)
PLACES = {
    "Oslo": (59.91, 10.75),
    "Lillestrom": (59.96, 11.05),
    "Drammen": (59.74, 10.20),
    "Bergen": (60.39, 5.32),
}


@pytest.fixture
def places(engine: Engine) -> Engine:
    with engine.begin() as connection:
        for name, (latitude, longitude) in PLACES.items():
            connection.execute(
                text(
                    "INSERT INTO cities (name, latitude, longitude, resolved)"
                    " VALUES (:name, :latitude, :longitude, true)"
                ),
                {"name": name, "latitude": latitude, "longitude": longitude},
            )
    return engine


def lines(city: str, *, strange_from: int | None = None) -> bytes:
    """Two days by the hour, rising and falling; from some hour on 15 K too warm."""
    rows = []
    for hour in range(48):
        warmth = 8 + 4 * (1 if 8 <= hour % 24 <= 18 else -1) + hour % 3 / 10
        off = 15 if strange_from is not None and hour >= strange_from else 0
        moment = START + timedelta(hours=hour)
        rows.append(Reading(moment, city, warmth + off, 50 + hour % 7, 1010 + hour % 5, 3))
    return b"".join(map(to_csv_line, rows))


def flagged(engine: Engine, log: Path, *parts: bytes) -> list[int]:
    """The hours of Oslo that the city nearby contradicts, after loading part by part."""
    for part in parts:
        with log.open("ab") as file:
            file.write(part)
        load_log(engine, log, earliest=datetime(2010, 1, 1, tzinfo=UTC))
        with engine.connect() as connection:
            days = connection.execute(text("SELECT DISTINCT day FROM dirty_windows")).scalars()
            days = list(days)
        clean_days(engine, days, settings=Settings(_env_file=None))
    query = (
        "SELECT timestamp FROM weather_readings WHERE city = 'Oslo'"
        " AND 'NEARBY_DISAGREES' = ANY(qc_flags) ORDER BY 1"
    )
    with engine.connect() as connection:
        times = connection.execute(text(query)).scalars().all()
        left = connection.execute(text("SELECT count(*) FROM dirty_windows")).scalar_one()
    assert left == 0
    return [int((moment - START).total_seconds() // 3600) for moment in times]


def test_the_nearest_city_within_forty_kilometres_is_near(places: Engine) -> None:
    with places.connect() as connection:
        assert nearest_city(connection, "Oslo") == "Lillestrom"
        assert nearest_city(connection, "Bergen") is None
        connection.execute(text("UPDATE cities SET resolved = false WHERE name = 'Lillestrom'"))
        assert nearest_city(connection, "Oslo") == "Drammen"


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one after the other"])
def test_a_city_that_leaves_its_neighbour_is_doubted(
    places: Engine, tmp_path: Path, *, together: bool
) -> None:
    parts = lines("Oslo", strange_from=40), lines("Lillestrom")
    given = (b"".join(parts),) if together else parts
    found = flagged(places, tmp_path / "readings.csv", *given)
    assert set(range(40, 48)) <= set(found)


def test_without_a_city_nearby_nothing_is(places: Engine, tmp_path: Path) -> None:
    with places.begin() as connection:
        connection.execute(text("UPDATE cities SET resolved = false WHERE name <> 'Oslo'"))
    parts = lines("Oslo", strange_from=40), lines("Lillestrom")
    assert flagged(places, tmp_path / "readings.csv", *parts) == []
