"""Below SQLAlchemy: the driver's own connection, and what its binary form counts from."""

from typing import Final

import psycopg
from sqlalchemy import Connection

POSTGRES_EPOCH_MICROS: Final = 946_684_800_000_000
"""PostgreSQL counts from 2000-01-01; so many microseconds after 1970-01-01."""


def driver_of(connection: Connection) -> psycopg.Connection:
    """What speaks COPY and binary values; RuntimeError where the connection is closed."""
    driver: psycopg.Connection | None = connection.connection.driver_connection
    if driver is None:
        message = "the connection is closed"
        raise RuntimeError(message)
    return driver
