"""From the first schema with data in it to the newest one, back, and forward again."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, create_engine, inspect, make_url, text

from citywx.warehouse import database
from citywx.warehouse.database import current_revision, downgrade, migrate, newest_revision
from tests.support.postgres import PostgresServer
from tests.support.table_contents import hash_of

pytestmark = pytest.mark.integration

_ROWS = (
    """
    INSERT INTO cities (name, country, resolved)
    VALUES ('Oslo', 'NO', true), ('Cairo', NULL, false)
    """,
    "INSERT INTO ingest_segments (segment) VALUES ('000001-abc')",
    "INSERT INTO ingest_position VALUES ('readings', 1, 500, 'ff')",
    """
    INSERT INTO ingest_batches (
        seconds, bytes, lines, loaded, duplicates, corrected, rejected, skipped
    ) VALUES (0.1, 500, 6, 3, 1, 0, 1, 1)
    """,
    """
    INSERT INTO raw_readings (source, city, "timestamp", temperature_c, segment_no, byte_offset)
    SELECT source, city, t, extract(hour FROM t), 1, 0
    FROM generate_series(timestamptz '2025-12-31T18:00Z', '2026-02-01T06:00Z', '1 hour') AS t,
         unnest(ARRAY['Oslo', 'Cairo']) AS city, unnest(ARRAY['csv', 'replay']) AS source
    """,
    """
    CREATE TABLE weather_readings_2025_12 PARTITION OF weather_readings
    FOR VALUES FROM ('2025-12-01T00:00Z') TO ('2026-01-01T00:00Z')
    """,
    """
    CREATE TABLE weather_readings_2026_01 PARTITION OF weather_readings
    FOR VALUES FROM ('2026-01-01T00:00Z') TO ('2026-02-01T00:00Z')
    """,
    """
    CREATE TABLE weather_readings_2026_02 PARTITION OF weather_readings
    FOR VALUES FROM ('2026-02-01T00:00Z') TO ('2026-03-01T00:00Z')
    """,
    """
    INSERT INTO weather_readings ("timestamp", city, temperature_c, source, qc_flags, imputed)
    SELECT "timestamp", city, temperature_c, source, '{TEMPERATURE_STEP}', '{humidity}'
    FROM raw_readings WHERE source = 'csv'
    """,
    "INSERT INTO rejected_lines VALUES (1, 77, '\\x6100ff', 'expected 9 fields')",
    """
    INSERT INTO dirty_windows (
        city, day, first_timestamp, last_timestamp, segment_no, byte_offset
    ) VALUES ('Oslo', '2026-02-01', '2026-02-01T00:00Z', '2026-02-01T06:00Z', 1, 500)
    """,
    "INSERT INTO watermarks VALUES ('loaded_through', 1, 500)",
    """
    INSERT INTO live_readings (source, city, "timestamp", temperature_c, segment, byte_offset)
    VALUES ('csv', 'Oslo', '2026-02-01T07:00Z', 1.5, '000001-abc', 500)
    """,
    "INSERT INTO consumer_positions VALUES ('recorder', '000001-abc', 500, 'ff')",
    """
    INSERT INTO city_predictions (
        city, variable, issue_time, target_time, method, horizon, value, points
    ) VALUES ('Oslo', 'humidity', now(), now(), 'linear_trend', 'tomorrow', 50, 50)
    """,
    """
    INSERT INTO daily_summaries (city, local_date, period, readings)
    VALUES ('Oslo', '2026-01-01', 'day', 24)
    """,
    """
    INSERT INTO alerts VALUES ('a', 'fired', 'warm', 'Oslo', 'info', 'temperature_c', 24, 23,
                               'warm', now(), now(), 1.5, '000001-abc', 10)
    """,
    """
    INSERT INTO subscribers (subscriber_id, email, state, token_nonce)
    VALUES ('00000000-0000-0000-0000-000000000001', 'ada@example.org', 'confirmed', 'n')
    """,
    """
    INSERT INTO subscriber_cities VALUES
        ('00000000-0000-0000-0000-000000000001', 'Oslo', false),
        ('00000000-0000-0000-0000-000000000001', 'Cairo', true)
    """,
    """
    INSERT INTO mail_outbox (kind, recipient, unique_key)
    VALUES ('welcome', 'ada@example.org', 'welcome:n')
    """,
    """
    INSERT INTO email_ledger (subscriber_id, kind, local_date, state, message_id)
    VALUES ('00000000-0000-0000-0000-000000000001', 'daily_summary', '2026-01-01', 'sent', '<x>')
    """,
)


@pytest.fixture
def first_schema(postgres_server: PostgresServer) -> Iterator[Engine]:
    """A database as the first version of citywx left it, with a row or more in every table."""
    name = postgres_server.create_database()
    url = make_url(postgres_server.url(name)).set(drivername="postgresql+psycopg")
    engine = create_engine(url, connect_args={"options": "-c timezone=UTC"})
    with database._migrating(engine) as (connection, config):
        command.upgrade(config, "0001")
        for statement in _ROWS:
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()
    postgres_server.drop_database(name)


def columns_of(connection: Connection) -> dict[str, set[str]]:
    """The columns of each table that is no partition."""
    inspector = inspect(connection)
    return {
        table: {column["name"] for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
        if "readings_20" not in table and table != "alembic_version"
    }


def rows(connection: Connection, columns: dict[str, set[str]]) -> dict[str, str]:
    renamed = "alert_events" in inspect(connection).get_table_names()
    new_names = {"alerts": "alert_events"} if renamed else {}
    return {
        table: hash_of(connection, new_names.get(table, table), names)
        for table, names in columns.items()
    }


def test_from_the_first_schema_to_the_newest_no_row_is_lost_or_changed(
    first_schema: Engine,
) -> None:
    with first_schema.connect() as connection:
        columns = columns_of(connection)
        before = rows(connection, columns)
        empty = hash_of(connection, "(SELECT 1 AS a WHERE false)", ["a"])
    assert empty not in before.values()
    migrate(first_schema)
    with first_schema.connect() as connection:
        assert current_revision(connection) == newest_revision()
        assert rows(connection, columns) == before


def test_the_statistics_of_rows_that_were_there_are_made(first_schema: Engine) -> None:
    migrate(first_schema)
    query = text("""
        SELECT temperature_c_min, temperature_c_max, temperature_c_mean, temperature_c_count,
               humidity_count, readings, suspect
        FROM daily_statistics WHERE city = 'Oslo' AND day = '2026-01-15'
    """)
    with first_schema.connect() as connection:
        assert tuple(connection.execute(query).one()) == (0, 23, 11.5, 24, 0, 24, 0)
        hours = text("SELECT count(*) FROM hourly_statistics")
        assert connection.scalar(hours) == 2 * (6 + 31 * 24 + 7)


def test_back_at_the_first_schema_its_rows_are_all_there_and_forward_again_too(
    first_schema: Engine,
) -> None:
    with first_schema.connect() as connection:
        columns = columns_of(connection)
        before = rows(connection, columns)
    for _ in range(2):
        migrate(first_schema)
        downgrade(first_schema, "0001")
        with first_schema.connect() as connection:
            assert current_revision(connection) == "0001"
            assert columns_of(connection) == columns
            assert rows(connection, columns) == before


def test_what_the_first_schema_cannot_hold_does_not_keep_it_from_being_gone_back_to(
    first_schema: Engine,
) -> None:
    migrate(first_schema)
    with first_schema.begin() as connection:
        connection.exec_driver_sql("""
            INSERT INTO subscriber_cities
            VALUES ('00000000-0000-0000-0000-000000000001', 'Oslo', true)
        """)
        connection.exec_driver_sql("SELECT make_month('raw_readings', '2026-11-01')")
    downgrade(first_schema, "0001")
    with first_schema.connect() as connection:
        kept = "SELECT city, pending FROM subscriber_cities ORDER BY city"
        assert list(map(tuple, connection.execute(text(kept)))) == [
            ("Cairo", True),
            ("Oslo", False),
        ]
