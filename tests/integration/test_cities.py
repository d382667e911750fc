import pytest
from sqlalchemy import Engine

from citywx.warehouse.cities import add_unresolved, known_cities, save_city
from citywx.weather.city import City

pytestmark = pytest.mark.integration

OSLO = City("Oslo", "NO", 59.91, 10.75, "Europe/Oslo", 23.0)


def test_a_city_first_seen_in_a_file_is_replaced_once_its_place_is_found(engine: Engine) -> None:
    with engine.begin() as connection:
        add_unresolved(connection, ["Oslo", "Roof", "Oslo"])
        assert known_cities(connection) == [City("Oslo"), City("Roof")]
        save_city(connection, OSLO)
        assert known_cities(connection) == [OSLO, City("Roof")]


def test_a_place_that_is_known_is_not_forgotten_but_may_change(engine: Engine) -> None:
    moved = City("Oslo", "NO", 59.0, 10.0, "Europe/Oslo", 5.0)
    with engine.begin() as connection:
        save_city(connection, OSLO)
        save_city(connection, City("Oslo"))
        add_unresolved(connection, ["Oslo"])
        assert known_cities(connection) == [OSLO]
        save_city(connection, moved)
        assert known_cities(connection) == [moved]
