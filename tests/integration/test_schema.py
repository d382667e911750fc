from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, make_url, text

from citywx.warehouse.database import is_migrated, migrate
from citywx.warehouse.partitions import ensure_months
from citywx.warehouse.tables import metadata
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.integration

_PARTITIONS = text("""
    SELECT inhrelid::regclass::text FROM pg_inherits
    WHERE inhparent = 'weather_readings'::regclass ORDER BY 1
""")


def test_the_tables_in_python_are_the_tables_that_the_migrations_make(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert is_migrated(connection)


def test_several_processes_may_migrate_at_once(postgres_server: PostgresServer) -> None:
    name = postgres_server.create_database()
    url = make_url(postgres_server.url(name)).set(drivername="postgresql+psycopg")
    engines = [create_engine(url) for _ in range(3)]
    with engines[0].connect() as connection:
        assert not is_migrated(connection)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, engines))
    with engines[0].connect() as connection:
        assert is_migrated(connection)
    for engine in engines:
        engine.dispose()
    postgres_server.drop_database(name)


def test_partitions_are_made_once_also_by_two_at_a_time(engine: Engine) -> None:
    months = [date(2010, 1, 1), date(2026, 12, 1)]

    def ensure(_: int) -> None:
        with engine.begin() as connection:
            ensure_months(connection, "weather_readings", months)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(ensure, range(6)))
    with engine.connect() as connection:
        assert list(connection.execute(_PARTITIONS).scalars()) == [
            "weather_readings_2010_01",
            "weather_readings_2026_12",
        ]


def test_a_partition_has_the_key_of_its_table(engine: Engine) -> None:
    with engine.begin() as connection:
        ensure_months(connection, "weather_readings", [date(2026, 3, 1)])
        insert = "INSERT INTO weather_readings (city, timestamp, source) VALUES"
        row = "('Oslo', '2026-03-31T23:59:59Z', 'csv')"
        written = connection.execute(text(f"{insert} {row}, {row} ON CONFLICT DO NOTHING"))
        assert written.rowcount == 1
