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
    """Forget retries and requests; of a city that is confirmed, that it was asked for again."""
    for statement in (
        "DROP TABLE subscription_requests",
        """
        DELETE FROM subscriber_cities AS asked USING subscriber_cities AS has
        WHERE asked.pending AND NOT has.pending
          AND (asked.subscriber_id, asked.city) = (has.subscriber_id, has.city)
        """,
        "ALTER TABLE subscriber_cities DROP CONSTRAINT subscriber_cities_pkey",
        "ALTER TABLE subscriber_cities ADD PRIMARY KEY (subscriber_id, city)",
        "DROP INDEX subscribers_address",
        "ALTER TABLE mail_outbox DROP CONSTRAINT mail_outbox_state",
        "ALTER TABLE email_ledger DROP CONSTRAINT email_ledger_state",
        "ALTER TABLE email_ledger DROP COLUMN next_attempt_at",  # its index goes with it
    ):
        op.execute(statement)
