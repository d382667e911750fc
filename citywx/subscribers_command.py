"""`citywx subscribers import|export`: from files to the database of the running pipeline."""

import sys
from datetime import datetime
from pathlib import Path

from citywx.command_database import answering_database
from citywx.settings import Settings
from citywx.subscribers_csv import (
    ImportResult,
    SubscribersFileError,
    export_subscribers,
    import_subscribers,
)


def import_file(
    settings: Settings, path: Path, *, confirmed_elsewhere: bool, now: datetime
) -> ImportResult:
    """Import a CSV file; SubscribersFileError when it cannot be read as one."""
    database = answering_database(settings, application="subscribers")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file, database as engine:
            return import_subscribers(
                engine, file, confirmed_elsewhere=confirmed_elsewhere, now=now
            )
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise SubscribersFileError(message) from None


def export_to_stdout(settings: Settings) -> int:
    """Write all subscribers as CSV to standard output."""
    with answering_database(settings, application="subscribers") as engine:
        return export_subscribers(engine, sys.stdout)
