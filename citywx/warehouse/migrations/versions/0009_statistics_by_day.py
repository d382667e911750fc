"""Daily statistics by their day: the checks and the quality report ask for a span of all cities.

The key begins with the city, so each of them read the whole table, which is kept for ever.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.execute("CREATE INDEX daily_statistics_day ON daily_statistics (day)")


def downgrade() -> None:
    """Do without it."""
    op.execute("DROP INDEX daily_statistics_day")
