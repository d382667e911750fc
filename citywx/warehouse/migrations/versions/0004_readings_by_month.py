"""Raw readings in monthly partitions under one key; verdicts beside cleaned readings.

One index serves both who loads (`(city, timestamp, source)` is the identity) and who cleans (a
city's span of time), so that loading keeps one index instead of two.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = """
    source text NOT NULL,
    city text NOT NULL,
    "timestamp" timestamptz NOT NULL,
    temperature_c double precision,
    humidity double precision,
    pressure double precision,
    wind_speed double precision,
    weather text,
    fetched_at timestamptz,
    segment_no integer NOT NULL,
    byte_offset bigint NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
"""

_MAKE_MONTHS = """
    DO $$
    DECLARE first date;
    BEGIN
        FOR first IN
            SELECT DISTINCT date_trunc('month', "timestamp" AT TIME ZONE 'UTC')::date
            FROM old_raw_readings
        LOOP
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF raw_readings FOR VALUES FROM (%L) TO (%L)',
                'raw_readings_' || to_char(first, 'YYYY_MM'),
                first::text || 'T00:00Z',
                (first + interval '1 month')::date::text || 'T00:00Z'
            );
        END LOOP;
    END $$
"""


def upgrade() -> None:
    """Move the raw readings into partitions, and make room for verdicts."""
    for statement in (
        "ALTER TABLE raw_readings RENAME TO old_raw_readings",
        "ALTER INDEX raw_readings_pkey RENAME TO old_raw_readings_pkey",
        f"""
        CREATE TABLE raw_readings ({_COLUMNS}, PRIMARY KEY (city, "timestamp", source))
        PARTITION BY RANGE ("timestamp")
        """,
        _MAKE_MONTHS,
        "INSERT INTO raw_readings SELECT * FROM old_raw_readings",
        "DROP TABLE old_raw_readings",
        """
        ALTER TABLE weather_readings
            ADD COLUMN qc_verdict smallint NOT NULL DEFAULT 2,
            ADD COLUMN imputation text,
            ADD COLUMN qc_version smallint NOT NULL DEFAULT 0
        """,
    ):
        op.execute(statement)


def downgrade() -> None:
    """Back to one table with two indexes."""
    for statement in (
        """
        ALTER TABLE weather_readings
            DROP COLUMN qc_verdict, DROP COLUMN imputation, DROP COLUMN qc_version
        """,
        "ALTER TABLE raw_readings RENAME TO old_raw_readings",
        "ALTER INDEX raw_readings_pkey RENAME TO old_raw_readings_pkey",
        f'CREATE TABLE raw_readings ({_COLUMNS}, PRIMARY KEY (source, city, "timestamp"))',
        'CREATE INDEX raw_readings_city_timestamp ON raw_readings (city, "timestamp")',
        "INSERT INTO raw_readings SELECT * FROM old_raw_readings",
        "DROP TABLE old_raw_readings",
    ):
        op.execute(statement)
