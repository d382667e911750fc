import threading

import pytest
from sqlalchemy import Engine

from citywx.warehouse.cities import known_cities
from citywx.weather.city import City
from streaming.city_publisher import publish_cities

pytestmark = pytest.mark.integration


def test_resolved_cities_reach_the_database(engine: Engine) -> None:
    oslo = City("Oslo", "NO", 59.9, 10.7, "Europe/Oslo")
    thread = publish_cities(engine, [oslo], threading.Event())
    thread.join(timeout=20)
    assert not thread.is_alive()
    with engine.connect() as connection:
        assert oslo in known_cities(connection)
