"""Mail: requests counted for limits, retries of the ledger, a change of cities that is pending."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATES = "('queued', 'transmitting', 'sent', 'deferred', 'failed', 'unknown', 'suppressed')"

_STATEMENTS = (
    # Who asked how often: keyed hashes, kept for a day.
    """
    CREATE TABLE subscription_requests (
        request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        requested_at timestamptz NOT NULL,
        address_hash text NOT NULL,
        client_hash text NOT NULL
    )
    """,
    "CREATE INDEX subscription_requests_at ON subscription_requests (requested_at)",
    # A confirmed subscriber may ask for cities that he has already, among others.
    "ALTER TABLE subscriber_cities DROP CONSTRAINT subscriber_cities_pkey",
    "ALTER TABLE subscriber_cities ADD PRIMARY KEY (subscriber_id, city, pending)",
    # One subscriber an address, however it is spelt.
    "CREATE UNIQUE INDEX subscribers_address ON subscribers (lower(email))",
    f"ALTER TABLE mail_outbox ADD CONSTRAINT mail_outbox_state CHECK (state IN {_STATES})",
    f"ALTER TABLE email_ledger ADD CONSTRAINT email_ledger_state CHECK (state IN {_STATES})",
    "ALTER TABLE email_ledger ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT now()",
    "CREATE INDEX email_ledger_due ON email_ledger (state, next_attempt_at)",
)


def upgrade() -> None:
    """Add what sending and subscribing need."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Schemas only move forward: what was recorded about sent mails must not be lost."""
    message = "the schema moves forward only: restore a backup instead"
    raise RuntimeError(message)
