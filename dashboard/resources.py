"""What the dashboard holds once for all its sessions: settings, and connections to PostgreSQL.

A page asks for a connection with `database()`; where there is none, the page says what to do and
ends. Queries belong in `dashboard.data`.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import streamlit as st
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from citywx.home import Home, HomeError, HomeKind
from citywx.settings import Settings
from citywx.warehouse.database import DatabaseNotConfiguredError, engine_for

_log = logging.getLogger(__name__)
_QUERY_TIMEOUT = "5s"

ABSENT = (
    "The database does not answer. Start the pipeline with `make up`, or look at "
    "`citywx status`; this page shows data again by itself as soon as it is back."
)
NOT_PREPARED = (
    "The database is there, but its tables are not those of this version. `make up` brings them "
    "up to date; then reload this page."
)


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The settings, read once."""
    return Settings.load()


def home() -> Home | None:
    """The data home that is shown; None when nothing was ever started here."""
    try:
        return Home.find(settings())
    except HomeError:
        return None


def home_kind() -> HomeKind:
    """What the readings shown are; `real` where no home says otherwise."""
    found = home()
    return found.kind if found else HomeKind.REAL


@st.cache_resource(show_spinner=False, on_release=Engine.dispose)
def engine() -> Engine:
    """One pool of connections for all sessions; raises DatabaseNotConfiguredError."""
    made = engine_for(settings(), application="dashboard", pool_size=5)
    event.listen(made, "connect", _limit_queries)
    return made


@contextmanager
def database() -> Iterator[Connection]:
    """A read-only connection for a page; where there is none, the page says so and ends."""
    with writing() as pool, pool.execution_options(postgresql_readonly=True).connect() as found:
        yield found


@contextmanager
def writing() -> Iterator[Engine]:
    """The pool, for the one page that writes; where it fails, the page says so and ends."""
    try:
        yield engine()
    except DatabaseNotConfiguredError as error:
        notice = str(error)
    except ProgrammingError as error:
        _log.warning("the tables are not as expected: %s", error.orig)
        notice = NOT_PREPARED
    except (OperationalError, PoolTimeoutError) as error:
        _log.warning("the database does not answer: %s", reason(error))
        notice = ABSENT
    else:
        return
    st.info(notice)
    st.stop()


def now() -> datetime:
    """The present, aware UTC: the only clock of the dashboard."""
    return datetime.now(UTC)


def reason(error: Exception) -> str:
    """The driver's own words, without the statement; they never hold the password."""
    return str(error.orig if isinstance(error, DBAPIError) else error)


def _limit_queries(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Let no query of a page hold the database for long."""
    cursor = connection.cursor()
    cursor.execute(f"SET statement_timeout = '{_QUERY_TIMEOUT}'")
    cursor.close()
    connection.commit()
