"""Resolved cities into the table `cities`, whenever the database can be reached.

A thread of its own does it, so that the poller never waits for the database.
"""

import logging
import threading
from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from citywx.warehouse.cities import save_city
from citywx.weather.city import City

_log = logging.getLogger(__name__)
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0


def publish_cities(
    engine: Engine, cities: Sequence[City], stopping: threading.Event
) -> threading.Thread:
    """Start writing `cities`; the thread ends when they are written, or soon after a stop."""
    thread = threading.Thread(
        target=_publish, args=(engine, tuple(cities), stopping), name="cities", daemon=True
    )
    thread.start()
    return thread


def _publish(engine: Engine, cities: Sequence[City], stopping: threading.Event) -> None:
    wait = _FIRST_WAIT_SECONDS
    while not stopping.is_set():
        try:
            with engine.begin() as connection:
                for city in cities:
                    save_city(connection, city)
        except SQLAlchemyError as error:
            if wait == _FIRST_WAIT_SECONDS:
                _log.info("cities wait for the database (%s)", type(error).__name__)
            stopping.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
        else:
            _log.info("%d cities are in the database", len(cities))
            break
    engine.dispose()
