"""The database that a command of the command line works on."""

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from citywx.home import Home
from citywx.local_stack.stack_file import running_stack
from citywx.settings import Settings
from citywx.warehouse.database import engine_for


class DatabaseUnreachableError(Exception):
    """The database does not answer."""


def command_engine(settings: Settings, command: str) -> Engine:
    """An engine for DATABASE_URL, else for the database of the stack that runs in the home.

    Raises DatabaseUnreachableError when it does not answer.
    """
    if settings.database_url is None:
        stack = running_stack(Home.find(settings))
        if stack is not None:
            url = SecretStr(stack.urls["database"])
            settings = settings.model_copy(update={"database_url": url})
    engine = engine_for(settings, application=command, pool_size=1)
    try:
        engine.connect().close()
    except OperationalError:
        message = "the database does not answer: start the pipeline with `make up`"
        raise DatabaseUnreachableError(message) from None
    return engine
