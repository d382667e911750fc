"""Which errors the command line shows as one line: their messages say what is wrong and what to do.

Any other error is a fault of citywx itself, and keeps its traceback.
"""

from citywx.alert_histories import HistoryError
from citywx.backfill import BackfillError
from citywx.command_database import DatabaseUnreachableError
from citywx.db_commands import DowngradeError
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
from citywx.notices.routes_file import RoutesError
from citywx.notices.silences import SilenceError
from citywx.notices.trial import TrialError
from citywx.source_choice import SourceChoiceError
from citywx.subscribers_csv import SubscribersFileError
from citywx.trace_command import UnknownFlagError
from citywx.warehouse.backup import BackupError
from citywx.warehouse.database import DatabaseNotConfiguredError
from citywx.warehouse.roles import RolesError
from citywx.weather.alerting.table_reader import RuleError

USAGE_MISTAKES = (
    DowngradeError,
    BackfillError,
    EnvFileExistsError,
    HistoryError,
    HomeError,
    NotReadableError,
    RoutesError,
    RuleError,
    SilenceError,
    SourceChoiceError,
    SubscribersFileError,
    TrialError,
    UnknownFlagError,
)
"""The command cannot do what was asked for: exit code 2."""

FAILURES = (
    BackupError,
    DatabaseNotConfiguredError,
    DatabaseUnreachableError,
    NoFreePortError,
    PostgresMissingError,
    PostgresNotReadyError,
    PostgresSetupError,
    RolesError,
    StartError,
    SupervisionError,
)
"""It could not be done now: exit code 1."""
