"""Live readings under one key, as raw ones: one index serves who writes and who looks up a city.

The second index was a third of what a live row cost the database.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Begin the key with the city, and drop the index that did."""
    op.execute("ALTER TABLE live_readings DROP CONSTRAINT live_readings_pkey")
    op.execute('ALTER TABLE live_readings ADD PRIMARY KEY (city, "timestamp", source)')
    op.execute("DROP INDEX live_readings_city_timestamp")


def downgrade() -> None:
    """Back to two indexes."""
    op.execute('CREATE INDEX live_readings_city_timestamp ON live_readings (city, "timestamp")')
    op.execute("ALTER TABLE live_readings DROP CONSTRAINT live_readings_pkey")
    op.execute('ALTER TABLE live_readings ADD PRIMARY KEY (source, city, "timestamp")')
