"""Makes a database server ready for citywx: `python -m citywx.prepare`, and part of `citywx up`.

Dagster keeps its own records in a database beside ours, since both bring their own migrations.
"""

import psycopg
from psycopg import sql
from sqlalchemy.exc import OperationalError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from citywx.settings import Settings, load_or_exit
from citywx.warehouse.database import engine_for, migrate
from citywx.warehouse.handover import hand_over_database
from citywx.warehouse.rights import DAGSTER_ROLE
from citywx.warehouse.roles import create_roles, login_passwords

DAGSTER_DATABASE = "dagster"

_WAIT_SECONDS = 120
_PAUSE_SECONDS = 5


def prepare_database(settings: Settings) -> None:
    """Bring our tables up to date and create Dagster's database; safe to do again and at once."""
    engine = engine_for(settings, application="prepare", pool_size=1)
    try:
        if login_passwords(settings):
            with engine.begin() as connection:
                create_roles(connection, settings)
        migrate(engine)
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    finally:
        engine.dispose()
    _create_dagster_database(url)


def _create_dagster_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT FROM pg_database WHERE datname = %s"
        if connection.execute(query, [DAGSTER_DATABASE]).fetchone() is None:
            statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DAGSTER_DATABASE))
            connection.execute(statement)
        query = "SELECT FROM pg_roles WHERE rolname = %s"
        with_roles = connection.execute(query, [DAGSTER_ROLE]).fetchone() is not None
    if with_roles:
        hand_over_database(url, DAGSTER_DATABASE, DAGSTER_ROLE)


def main() -> None:
    """Wait for the server that DATABASE_URL names, then prepare it."""
    settings = load_or_exit()
    for attempt in Retrying(
        retry=retry_if_exception_type((OperationalError, psycopg.OperationalError)),
        stop=stop_after_delay(_WAIT_SECONDS),
        wait=wait_random_exponential(max=_PAUSE_SECONDS),
        reraise=True,
    ):
        with attempt:
            prepare_database(settings)


if __name__ == "__main__":
    main()
