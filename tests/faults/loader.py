"""`python -m tests.faults.loader LOG`: loads and cleans without end, as Dagster's runs do.

A database that goes away is waited for. With `--once` it ends when everything is loaded and clean.
"""

import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from citywx.settings import Settings
from citywx.warehouse.clean import clean_days
from citywx.warehouse.database import engine_for
from citywx.warehouse.load import load_log
from citywx.warehouse.tables import dirty_windows

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
_PAUSE_SECONDS = 0.05
_log = logging.getLogger(__name__)
_BATCH_BYTES = 64 << 10  # many small transactions: more moments at which a kill can hurt


def work(engine: Engine, log: Path, settings: Settings) -> int:
    """Load what is new and clean what is dirty; how many lines came."""
    result = load_log(engine, log, earliest=EARLIEST, batch_bytes=_BATCH_BYTES)
    with engine.connect() as connection:
        days = connection.execute(select(dirty_windows.c.day).distinct()).scalars().all()
    clean_days(engine, days, settings=settings)
    return result.lines


def main(log: Path, *, once: bool) -> None:
    """Work until killed, or until everything is done."""
    settings = Settings()
    engine = engine_for(settings, application="loader", pool_size=2)
    while True:
        try:
            lines = work(engine, log, settings)
        except OperationalError as error:
            _log.warning("waiting for the database: %s", error.orig)
            lines = 0
        else:
            if once:
                return
        if not lines:
            time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), once="--once" in sys.argv)
