"""Which database a command means: an engine for it, let go of when the command is over."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from citywx.home import Home
from citywx.local_stack.stack_file import running_stack
from citywx.settings import Settings
from citywx.warehouse.database import engine_for


class DatabaseUnreachableError(Exception):
    """The database does not answer."""


@contextmanager
def named_database(settings: Settings, *, application: str) -> Iterator[Engine]:
    """The database of DATABASE_URL, else that of the stack that runs in the home."""
    if settings.database_url is None:
        stack = running_stack(Home.find(settings))
        if stack is not None:
            url = SecretStr(stack.urls["database"])
            settings = settings.model_copy(update={"database_url": url})
    engine = engine_for(settings, application=application, pool_size=1)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def answering_database(settings: Settings, *, application: str) -> Iterator[Engine]:
    """The same, once it has answered; else DatabaseUnreachableError."""
    with named_database(settings, application=application) as engine:
        try:
            engine.connect().close()
        except OperationalError:
            message = "the database does not answer: start the pipeline with `make up`"
            raise DatabaseUnreachableError(message) from None
        yield engine
