"""`citywx subscribers import|export`: from files to the database of the running pipeline."""

import sys
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from citywx.home import Home
from citywx.local_stack.stack_file import running_stack
from citywx.settings import Settings
from citywx.subscribers_csv import (
    ImportResult,
    SubscribersFileError,
    export_subscribers,
    import_subscribers,
)
from citywx.warehouse.database import engine_for


class DatabaseUnreachableError(Exception):
    """The database does not answer."""


def import_file(
    settings: Settings, path: Path, *, confirmed_elsewhere: bool, now: datetime
) -> ImportResult:
    """Import a CSV file; SubscribersFileError when it cannot be read as one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return import_subscribers(
                _engine(settings), file, confirmed_elsewhere=confirmed_elsewhere, now=now
            )
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise SubscribersFileError(message) from None


def export_to_stdout(settings: Settings) -> int:
    """Write all subscribers as CSV to standard output."""
    return export_subscribers(_engine(settings), sys.stdout)


def _engine(settings: Settings) -> Engine:
    """An engine for DATABASE_URL, else for the database of the stack that runs in the home."""
    if settings.database_url is None:
        stack = running_stack(Home.find(settings))
        if stack is not None:
            url = SecretStr(stack.urls["database"])
            settings = settings.model_copy(update={"database_url": url})
    engine = engine_for(settings, application="subscribers", pool_size=1)
    try:
        engine.connect().close()
    except OperationalError:
        message = "the database does not answer: start the pipeline with `make up`"
        raise DatabaseUnreachableError(message) from None
    return engine
