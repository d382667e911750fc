"""The first schema: log accounting, readings, predictions, alerts, subscriptions and mail."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MEASURES = """
    temperature_c double precision,
    humidity double precision,
    pressure double precision,
    wind_speed double precision,
    weather text
"""

_STATEMENTS = (
    """
    CREATE TABLE cities (
        name text PRIMARY KEY,
        country text,
        latitude double precision,
        longitude double precision,
        time_zone text NOT NULL DEFAULT 'UTC',
        elevation_m double precision,
        resolved boolean NOT NULL DEFAULT false
    )
    """,
    """
    CREATE TABLE ingest_segments (
        segment_no integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        segment text NOT NULL UNIQUE,
        first_seen timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE ingest_position (
        log text PRIMARY KEY,
        segment_no integer NOT NULL REFERENCES ingest_segments,
        byte_offset bigint NOT NULL,
        before text NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE ingest_batches (
        batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run_id text,
        loaded_at timestamptz NOT NULL DEFAULT now(),
        seconds double precision NOT NULL,
        bytes bigint NOT NULL,
        lines bigint NOT NULL,
        loaded bigint NOT NULL,
        duplicates bigint NOT NULL,
        corrected bigint NOT NULL,
        rejected bigint NOT NULL,
        skipped bigint NOT NULL,
        CONSTRAINT every_line_accounted_for
            CHECK (lines = loaded + duplicates + corrected + rejected + skipped)
    )
    """,
    f"""
    CREATE TABLE raw_readings (
        source text NOT NULL,
        city text NOT NULL,
        "timestamp" timestamptz NOT NULL,
        {_MEASURES},
        fetched_at timestamptz,
        segment_no integer NOT NULL,
        byte_offset bigint NOT NULL,
        loaded_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (source, city, "timestamp")
    )
    """,
    'CREATE INDEX raw_readings_city_timestamp ON raw_readings (city, "timestamp")',
    """
    CREATE TABLE rejected_lines (
        segment_no integer NOT NULL,
        byte_offset bigint NOT NULL,
        raw bytea NOT NULL,
        reason text NOT NULL,
        first_seen timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (segment_no, byte_offset)
    )
    """,
    "CREATE INDEX rejected_lines_first_seen ON rejected_lines (first_seen)",
    """
    CREATE TABLE dirty_windows (
        window_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        city text NOT NULL,
        day date NOT NULL,
        first_timestamp timestamptz NOT NULL,
        last_timestamp timestamptz NOT NULL,
        segment_no integer NOT NULL,
        byte_offset bigint NOT NULL,
        noted_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX dirty_windows_day ON dirty_windows (day)",
    """
    CREATE TABLE watermarks (
        name text PRIMARY KEY,
        segment_no integer NOT NULL,
        byte_offset bigint NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    f"""
    CREATE TABLE weather_readings (
        "timestamp" timestamptz NOT NULL,
        city text NOT NULL,
        {_MEASURES},
        mod_high_temp boolean,
        temp_message text,
        low_temp boolean,
        source text NOT NULL,
        qc_flags text[] NOT NULL DEFAULT '{{}}',
        imputed text[] NOT NULL DEFAULT '{{}}',
        cleaned_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (city, "timestamp")
    ) PARTITION BY RANGE ("timestamp")
    """,
    f"""
    CREATE TABLE live_readings (
        source text NOT NULL,
        city text NOT NULL,
        "timestamp" timestamptz NOT NULL,
        {_MEASURES},
        fetched_at timestamptz,
        segment text NOT NULL,
        byte_offset bigint NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (source, city, "timestamp")
    )
    """,
    'CREATE INDEX live_readings_city_timestamp ON live_readings (city, "timestamp")',
    """
    CREATE TABLE consumer_positions (
        consumer text PRIMARY KEY,
        segment text NOT NULL,
        byte_offset bigint NOT NULL,
        before text NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE city_predictions (
        city text NOT NULL,
        variable text NOT NULL,
        issue_time timestamptz NOT NULL,
        target_time timestamptz NOT NULL,
        method text NOT NULL,
        horizon text NOT NULL,
        value double precision,
        mae double precision,
        baseline_mae double precision,
        skill double precision,
        points integer NOT NULL,
        note text,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (city, variable, issue_time, target_time, method)
    )
    """,
    """
    CREATE TABLE daily_summaries (
        city text NOT NULL,
        local_date date NOT NULL,
        period text NOT NULL,
        first_timestamp timestamptz,
        last_timestamp timestamptz,
        readings integer NOT NULL,
        temperature_mean double precision,
        temperature_min double precision,
        temperature_max double precision,
        humidity_mean double precision,
        pressure_mean double precision,
        wind_mean double precision,
        wind_max double precision,
        weather text,
        advice text[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (city, local_date, period)
    )
    """,
    """
    CREATE TABLE alerts (
        alert_id text NOT NULL,
        event text NOT NULL,
        rule_id text NOT NULL,
        city text NOT NULL,
        severity text NOT NULL,
        metric text NOT NULL,
        value double precision NOT NULL,
        limit_value double precision NOT NULL,
        message text NOT NULL,
        observed_at timestamptz NOT NULL,
        decided_at timestamptz NOT NULL,
        latency_ms double precision,
        segment text NOT NULL,
        byte_offset bigint NOT NULL,
        PRIMARY KEY (alert_id, event)
    )
    """,
    "CREATE INDEX alerts_observed_at ON alerts (observed_at)",
    "CREATE INDEX alerts_city_observed_at ON alerts (city, observed_at)",
    """
    CREATE TABLE subscribers (
        subscriber_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        email text NOT NULL UNIQUE,
        state text NOT NULL CHECK (state IN ('pending', 'confirmed', 'unsubscribed')),
        token_nonce text NOT NULL,
        requested_at timestamptz NOT NULL DEFAULT now(),
        confirmed_at timestamptz,
        unsubscribed_at timestamptz,
        suppressed_reason text
    )
    """,
    """
    CREATE TABLE subscriber_cities (
        subscriber_id uuid NOT NULL REFERENCES subscribers ON DELETE CASCADE,
        city text NOT NULL,
        pending boolean NOT NULL DEFAULT false,
        PRIMARY KEY (subscriber_id, city)
    )
    """,
    """
    CREATE TABLE mail_outbox (
        mail_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind text NOT NULL,
        recipient text NOT NULL,
        subscriber_id uuid,
        payload jsonb NOT NULL DEFAULT '{}',
        unique_key text NOT NULL UNIQUE,
        state text NOT NULL DEFAULT 'queued',
        attempts integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL DEFAULT now(),
        last_error text,
        queued_at timestamptz NOT NULL DEFAULT now(),
        sent_at timestamptz
    )
    """,
    "CREATE INDEX mail_outbox_due ON mail_outbox (state, next_attempt_at)",
    """
    CREATE TABLE email_ledger (
        subscriber_id uuid NOT NULL,
        kind text NOT NULL,
        local_date date NOT NULL,
        state text NOT NULL,
        message_id text NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        last_error text,
        queued_at timestamptz NOT NULL DEFAULT now(),
        sent_at timestamptz,
        PRIMARY KEY (subscriber_id, kind, local_date)
    )
    """,
    # What people read: the batch's rows, and the live ones that the batch has not reached.
    """
    CREATE VIEW current_readings AS
    SELECT "timestamp", city, temperature_c, humidity, pressure, wind_speed, weather,
           mod_high_temp, temp_message, low_temp, source, qc_flags, imputed, false AS live
    FROM weather_readings
    UNION ALL
    SELECT live."timestamp", live.city, live.temperature_c, live.humidity, live.pressure,
           live.wind_speed, live.weather, live.temperature_c > 23, NULL, NULL,
           live.source, '{}'::text[], '{}'::text[], true
    FROM live_readings AS live
    WHERE NOT EXISTS (
        SELECT FROM weather_readings AS cleaned
        WHERE cleaned.city = live.city AND cleaned."timestamp" = live."timestamp"
    )
    """,
)


def upgrade() -> None:
    """Create everything."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is nothing before the first schema: delete the data home instead."""
    message = "the first schema cannot be undone: delete the data home with `citywx reset`"
    raise RuntimeError(message)
