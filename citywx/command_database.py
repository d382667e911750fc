"""Which database a command means."""

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from citywx.home import Home
from citywx.local_stack.stack_file import running_stack
from citywx.settings import Settings
from citywx.warehouse.database import engine_for


class DatabaseUnreachableError(Exception):
    """The database does not answer."""


def database_engine(settings: Settings, *, application: str) -> Engine:
    """The engine of `named_engine`, whose database answers; else DatabaseUnreachableError."""
    engine = named_engine(settings, application=application)
    try:
        engine.connect().close()
    except OperationalError:
        message = "the database does not answer: start the pipeline with `make up`"
        raise DatabaseUnreachableError(message) from None
    return engine


def named_engine(settings: Settings, *, application: str) -> Engine:
    """An engine for DATABASE_URL, else for the database of the stack that runs in the home."""
    if settings.database_url is None:
        stack = running_stack(Home.find(settings))
        if stack is not None:
            url = SecretStr(stack.urls["database"])
            settings = settings.model_copy(update={"database_url": url})
    return engine_for(settings, application=application, pool_size=1)
