"""What was learnt of each city for the anomaly score, with how it was calibrated."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the models."""
    op.execute(
        """
        CREATE TABLE anomaly_models (
            city text NOT NULL,
            made_at timestamptz NOT NULL,
            first_timestamp timestamptz NOT NULL,
            last_timestamp timestamptz NOT NULL,
            readings integer NOT NULL,
            cadence_hours smallint NOT NULL,
            threshold double precision NOT NULL,
            neighbours text[] NOT NULL DEFAULT '{}',
            learnt jsonb NOT NULL,
            PRIMARY KEY (city, made_at)
        )
        """
    )


def downgrade() -> None:
    """Drop what can be made again from the history."""
    op.execute("DROP TABLE anomaly_models")
