"""Schema changes, run by alembic on start under a lock."""
