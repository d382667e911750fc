"""The connection to PostgreSQL, and its schema.

Every process builds its own engine from the settings; nothing connects at import.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from citywx.settings import Settings
from citywx.warehouse.roles import grant_rights

_MIGRATION_LOCK = 0x63697479  # "city": one migrator at a time
_CONNECT_SECONDS = 5


class DatabaseNotConfiguredError(Exception):
    """No DATABASE_URL is set."""


def engine_for(settings: Settings, *, application: str, pool_size: int = 5) -> Engine:
    """An engine for DATABASE_URL with psycopg 3; it connects when first used.

    `application` is the name that PostgreSQL shows for the connections.
    """
    if settings.database_url is None:
        message = "DATABASE_URL is not set: start the pipeline with `make up`, or set it"
        raise DatabaseNotConfiguredError(message)
    url = make_url(settings.database_url.get_secret_value()).set(drivername="postgresql+psycopg")
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "application_name": f"citywx {application}",
            "options": "-c timezone=UTC",
        },
    )


def migrate(engine: Engine) -> None:
    """Bring the schema up to date; several processes may ask for it at once.

    The roles that exist get their rights on it: see `citywx.warehouse.roles`.
    """
    with _migrating(engine) as (connection, config):
        command.upgrade(config, "head")
        grant_rights(connection)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to an older revision; what only newer ones can hold is lost.

    Raises alembic.util.CommandError when there is no such revision.
    """
    with _migrating(engine) as (_, config):
        command.downgrade(config, revision)


def current_revision(connection: Connection) -> str | None:
    """The revision of the schema that is there; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The revision that this version of citywx needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def is_migrated(connection: Connection) -> bool:
    """Whether the schema is the one that this version of citywx needs."""
    return current_revision(connection) == newest_revision()


@contextmanager
def _migrating(engine: Engine) -> Iterator[tuple[Connection, Config]]:
    """One migrator at a time, in one transaction."""
    config = _config()
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        yield connection, config


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).with_name("migrations")).replace("%", "%%")
    config.set_main_option("script_location", folder)
    config.set_main_option("path_separator", "os")
    return config
