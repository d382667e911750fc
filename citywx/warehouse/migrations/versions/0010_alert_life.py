"""One row an alert, and its events in a table of their own.

What was the table of events becomes `alert_events`, with a number in the order of writing by which
those who tell people keep their place. Alerts that were open are ended: their rules have other
names and levels now, and one that still holds fires anew.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COLUMNS = """
    kind text NOT NULL DEFAULT 'rule',
    advice text NOT NULL DEFAULT '',
    started_at timestamptz,
    peak double precision,
    peak_at timestamptz,
    readings integer NOT NULL DEFAULT 1,
    suspect boolean NOT NULL DEFAULT false,
    notify boolean NOT NULL DEFAULT false,
    inhibited_by text[] NOT NULL DEFAULT '{}',
    details jsonb NOT NULL DEFAULT '{}'
"""

_UP = (
    "ALTER TABLE alerts RENAME TO alert_events",
    "ALTER INDEX alerts_observed_at RENAME TO alert_events_observed_at",
    "ALTER INDEX alerts_city_observed_at RENAME TO alert_events_city_observed_at",
    "ALTER TABLE alert_events DROP CONSTRAINT alerts_pkey",
    "ALTER TABLE alert_events ADD COLUMN event_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    """
    ALTER TABLE alert_events
    ADD CONSTRAINT alert_events_once UNIQUE (alert_id, event, observed_at)
    """,
    "ALTER TABLE alert_events ALTER value DROP NOT NULL, ALTER limit_value DROP NOT NULL",
    *(f"ALTER TABLE alert_events ADD COLUMN {column.strip()}" for column in _COLUMNS.split(",\n")),
    """
    UPDATE alert_events AS event
    SET started_at = fired.observed_at, peak = fired.value, peak_at = fired.observed_at
    FROM alert_events AS fired
    WHERE fired.alert_id = event.alert_id AND fired.event = 'fired'
    """,
    "UPDATE alert_events SET started_at = observed_at WHERE started_at IS NULL",
    "ALTER TABLE alert_events ALTER started_at SET NOT NULL",
    *(
        f"ALTER TABLE alert_events ALTER {name} DROP DEFAULT"
        for name in ("kind", "advice", "readings", "suspect", "notify", "inhibited_by", "details")
    ),
    """
    CREATE TABLE alerts (
        alert_id text PRIMARY KEY,
        rule_id text NOT NULL,
        kind text NOT NULL,
        city text NOT NULL,
        state text NOT NULL,
        severity text NOT NULL,
        worst_severity text NOT NULL,
        metric text NOT NULL,
        value double precision,
        limit_value double precision,
        message text NOT NULL,
        advice text NOT NULL,
        started_at timestamptz NOT NULL,
        fired_at timestamptz,
        resolved_at timestamptz,
        last_observed_at timestamptz NOT NULL,
        peak double precision,
        peak_at timestamptz,
        readings integer NOT NULL,
        suspect boolean NOT NULL,
        notify boolean NOT NULL,
        inhibited_by text[] NOT NULL,
        details jsonb NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    INSERT INTO alerts
    SELECT alert_id, rule_id, kind, city, 'resolved', severity, severity, metric, value,
           limit_value, message, advice, started_at, started_at, observed_at, observed_at, peak,
           peak_at, readings, suspect, notify, inhibited_by, details
    FROM (
        SELECT DISTINCT ON (alert_id) * FROM alert_events
        ORDER BY alert_id, observed_at DESC, event = 'resolved' DESC
    ) AS last
    """,
    "CREATE INDEX alerts_state ON alerts (state, started_at)",
    "CREATE INDEX alerts_city ON alerts (city, started_at)",
    "CREATE INDEX alerts_started_at ON alerts (started_at)",
)
_DOWN = (
    "DROP TABLE alerts",
    "DELETE FROM alert_events WHERE event NOT IN ('fired', 'resolved') OR value IS NULL",
    "UPDATE alert_events SET limit_value = 0 WHERE limit_value IS NULL",
    "ALTER TABLE alert_events ALTER value SET NOT NULL, ALTER limit_value SET NOT NULL",
    *(
        f"ALTER TABLE alert_events DROP COLUMN {column.split()[0]}"
        for column in _COLUMNS.split(",\n")
    ),
    "ALTER TABLE alert_events DROP COLUMN event_no",
    "ALTER TABLE alert_events DROP CONSTRAINT alert_events_once",
    "ALTER TABLE alert_events ADD CONSTRAINT alerts_pkey PRIMARY KEY (alert_id, event)",
    "ALTER INDEX alert_events_observed_at RENAME TO alerts_observed_at",
    "ALTER INDEX alert_events_city_observed_at RENAME TO alerts_city_observed_at",
    "ALTER TABLE alert_events RENAME TO alerts",
)


def upgrade() -> None:
    """Make the table of alerts out of that of their events."""
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    """Keep what the older version knows."""
    for statement in _DOWN:
        op.execute(statement)
