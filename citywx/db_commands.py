"""What `citywx db …` does with schema, roles and backups, for the database that is meant."""

from pathlib import Path

from alembic.util import CommandError

from citywx.command_database import answering_database, named_database
from citywx.settings import Settings
from citywx.warehouse.backup import back_up, restore
from citywx.warehouse.database import (
    current_revision,
    downgrade,
    is_migrated,
    migrate,
    newest_revision,
)
from citywx.warehouse.roles import create_roles, existing_roles, grant_rights


class DowngradeError(Exception):
    """There is no such older revision, or no way back to it."""


def upgrade_schema(settings: Settings) -> str:
    """Bring the schema up to date; returns what to tell."""
    with answering_database(settings, application="db upgrade") as engine:
        with engine.connect() as connection:
            before = current_revision(connection)
        migrate(engine)
    newest = newest_revision()
    return f"at revision {newest}" if before == newest else f"from {before} to {newest}"


def downgrade_schema(settings: Settings, revision: str) -> str:
    """Take the schema back to `revision`; returns what to tell."""
    with answering_database(settings, application="db downgrade") as engine:
        try:
            downgrade(engine, revision)
        except (CommandError, RuntimeError) as error:
            raise DowngradeError(str(error)) from None
    return f"at revision {revision}"


def schema_state(settings: Settings) -> dict[str, object]:
    """The revision that is there, the one that is needed, and the roles that exist."""
    database = answering_database(settings, application="db current")
    with database as engine, engine.connect() as connection:
        return {
            "revision": current_revision(connection),
            "newest": newest_revision(),
            "roles": existing_roles(connection),
        }


def make_roles(settings: Settings) -> str:
    """Create the roles that are missing, and give each its rights; returns what to tell.

    On an older schema an upgrade gives them.
    """
    database = answering_database(settings, application="db roles")
    with database as engine, engine.begin() as connection:
        created = create_roles(connection, settings)
        rights = (
            f"{', '.join(grant_rights(connection))} have their rights"
            if is_migrated(connection)
            else "the schema is older: citywx db upgrade gives them their rights"
        )
    return f"{len(created)} roles created; {rights}"


def back_up_to(settings: Settings, file: Path) -> str:
    """Write the warehouse to a file; returns what to tell."""
    with answering_database(settings, application="db backup") as engine:
        back_up(engine.url, file)
    return f"wrote {file} ({file.stat().st_size:,} bytes, readable by you alone)"


def restore_from(settings: Settings, file: Path) -> str:
    """Fill an empty database from a file; returns what to tell."""
    with named_database(settings, application="db restore") as engine:
        restore(engine, file)
    return f"restored into {engine.url.database}; now: citywx db upgrade"
