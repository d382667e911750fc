"""Run by alembic: migrate with the connection that `citywx.warehouse.database` hands over."""

from alembic import context

from citywx.warehouse.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
