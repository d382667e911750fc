"""Notices about alerts: what is told to whom, silences, acknowledgements, and who wants them."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STATES = "('queued', 'transmitting', 'sent', 'deferred', 'failed', 'unknown', 'suppressed')"
_SEVERITIES = "('info', 'warning', 'severe')"

_STATEMENTS = (
    f"""
    ALTER TABLE subscribers
        ADD COLUMN alerts_from text CHECK (alerts_from IN {_SEVERITIES}),
        ADD COLUMN alerts_from_pending text CHECK (alerts_from_pending IN {_SEVERITIES})
    """,
    """
    CREATE TABLE notice_groups (
        route text NOT NULL,
        group_key text NOT NULL,
        state jsonb NOT NULL,
        PRIMARY KEY (route, group_key)
    )
    """,
    """
    CREATE TABLE notifier_positions (
        notifier text PRIMARY KEY,
        event_no bigint NOT NULL,
        generation bigint NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    f"""
    CREATE TABLE alert_notifications (
        notification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        unique_key text NOT NULL UNIQUE,
        notice_id text NOT NULL,
        route text NOT NULL,
        kind text NOT NULL,
        severity text NOT NULL,
        channel text NOT NULL CHECK (channel IN ('mail', 'webhook', 'mqtt')),
        receiver text NOT NULL,
        title text NOT NULL,
        recipient text,
        subscriber_id uuid,
        alert_ids text[] NOT NULL,
        content jsonb NOT NULL,
        state text NOT NULL DEFAULT 'queued' CHECK (state IN {_STATES}),
        attempts integer NOT NULL DEFAULT 0,
        uncertain integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL DEFAULT now(),
        last_error text,
        queued_at timestamptz NOT NULL DEFAULT now(),
        sent_at timestamptz
    )
    """,
    # Each channel asks every second for what is due, and for what a dead sender left.
    """
    CREATE INDEX alert_notifications_due
    ON alert_notifications (channel, next_attempt_at, notification_id)
    WHERE state IN ('queued', 'deferred')
    """,
    """
    CREATE INDEX alert_notifications_under_way ON alert_notifications (notification_id)
    WHERE state = 'transmitting'
    """,
    "CREATE INDEX alert_notifications_queued_at ON alert_notifications (queued_at)",
    "CREATE INDEX alert_notifications_alerts ON alert_notifications USING gin (alert_ids)",
    # What became of notices, without who gets them.
    """
    CREATE VIEW alert_notices AS
    SELECT notification_id, notice_id, route, kind, severity, channel, receiver, title, alert_ids,
           state, attempts, uncertain, next_attempt_at, last_error, queued_at, sent_at
    FROM alert_notifications
    """,
    f"""
    CREATE TABLE silences (
        silence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        rule text,
        city text,
        severity text CHECK (severity IN {_SEVERITIES}),
        starts_at timestamptz NOT NULL,
        ends_at timestamptz NOT NULL,
        author text NOT NULL CHECK (author <> ''),
        reason text NOT NULL CHECK (reason <> ''),
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK (ends_at >= starts_at)
    )
    """,
    "CREATE INDEX silences_ends_at ON silences (ends_at)",
    """
    CREATE TABLE acknowledgements (
        alert_id text PRIMARY KEY,
        author text NOT NULL CHECK (author <> ''),
        note text NOT NULL,
        acknowledged_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)


def upgrade() -> None:
    """Add what telling people of alerts needs."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Forget what was told, and who wants to be told."""
    op.execute("DROP VIEW alert_notices")
    op.execute(
        "DROP TABLE notice_groups, notifier_positions, alert_notifications, silences,"
        " acknowledgements"
    )
    op.execute("ALTER TABLE subscribers DROP COLUMN alerts_from, DROP COLUMN alerts_from_pending")
