"""What is usual in each city, in versions: whole for cleaning, and its limits for people."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the versions and their limits."""
    op.execute(
        """
        CREATE TABLE climatology_versions (
            city text NOT NULL,
            version integer NOT NULL,
            made_at timestamptz NOT NULL DEFAULT now(),
            first_day date NOT NULL,
            last_day date NOT NULL,
            learnt jsonb NOT NULL,
            PRIMARY KEY (city, version)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE climatology (
            city text NOT NULL,
            version integer NOT NULL,
            month smallint NOT NULL CHECK (month BETWEEN 1 AND 12),
            measure text NOT NULL,
            low double precision NOT NULL,
            high double precision NOT NULL,
            readings integer NOT NULL,
            PRIMARY KEY (city, version, month, measure),
            FOREIGN KEY (city, version) REFERENCES climatology_versions
        )
        """
    )


def downgrade() -> None:
    """Drop what can be made again from the history."""
    op.execute("DROP TABLE climatology, climatology_versions")
