"""Which errors the command line shows as one line: their messages say what is wrong and what to do.

Any other error is a fault of citywx itself, and keeps its traceback.
"""

from citywx.backfill import BackfillError
from citywx.env_file import EnvFileExistsError
from citywx.home import HomeError
from citywx.inspection import NotReadableError
from citywx.local_stack.ports import NoFreePortError
from citywx.local_stack.postgres import (
    PostgresMissingError,
    PostgresNotReadyError,
    PostgresSetupError,
)
from citywx.local_stack.supervision import SupervisionError
from citywx.local_stack.up import StartError
from citywx.source_choice import SourceChoiceError
from citywx.subscribers_command import DatabaseUnreachableError
from citywx.subscribers_csv import SubscribersFileError
from citywx.warehouse.database import DatabaseNotConfiguredError

USAGE_MISTAKES = (
    BackfillError,
    EnvFileExistsError,
    HomeError,
    NotReadableError,
    SourceChoiceError,
    SubscribersFileError,
)
"""The command cannot do what was asked for: exit code 2."""

FAILURES = (
    DatabaseNotConfiguredError,
    DatabaseUnreachableError,
    NoFreePortError,
    PostgresMissingError,
    PostgresNotReadyError,
    PostgresSetupError,
    StartError,
    SupervisionError,
)
"""It could not be done now: exit code 1."""
