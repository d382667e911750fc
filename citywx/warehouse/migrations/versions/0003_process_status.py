"""What the streaming processes say of themselves: the last word of each, and samples over time."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE process_status (
        process text PRIMARY KEY,
        state text NOT NULL,
        segment text,
        byte_offset bigint,
        said_at timestamptz NOT NULL,
        metrics jsonb NOT NULL DEFAULT '{}'
    )
    """,
    """
    CREATE TABLE pipeline_samples (
        process text NOT NULL,
        at timestamptz NOT NULL,
        metrics jsonb NOT NULL,
        PRIMARY KEY (process, at)
    )
    """,
    "CREATE INDEX pipeline_samples_at ON pipeline_samples (at)",
)


def upgrade() -> None:
    """Add what the page Pipeline shows."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop what the processes say anew within seconds."""
    op.execute("DROP TABLE pipeline_samples, process_status")
