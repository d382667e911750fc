"""Cleaning on several processes: batches of some cities' time, each in its own transaction.

A batch that is done is done, whatever becomes of the others. How one is cleaned belongs in
`citywx.warehouse.clean`; where the processes are, in `citywx.compute`.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache, partial

from sqlalchemy import Engine

from citywx.compute import ExecutorOpener, run_all
from citywx.settings import Settings
from citywx.warehouse.clean import (
    CleanResult,
    clean_batch,
    clean_batches,
    make_months,
    move_watermarks,
    rules_of,
    work_in,
)
from citywx.warehouse.database import engine_for
from citywx.warehouse.windows import Batch, by_turns

_WORTH_PROCESSES = 400_000
"""Raw readings from which on it pays to start processes: each of these takes some seconds."""
_WORTH_DASK = 150_000
"""The same for workers that are there already."""
_CONNECTIONS = 8  # of one process: a Dask worker may have several threads


def clean_days_on(
    open_executor: ExecutorOpener,
    engine: Engine,
    days: Iterable[date],
    *,
    settings: Settings,
    only_dirty: bool = True,
) -> CleanResult:
    """Clean these UTC days as `clean.clean_days` does, on an executor where there is much to do.

    The processes connect to the DATABASE_URL of `settings`. Few readings are cleaned here.
    """
    rules = rules_of(settings)
    batches = work_in(engine, days, rules, only_dirty=only_dirty)
    readings = sum(chunk.rows for batch in batches for chunk in batch)
    if readings < (_WORTH_DASK if settings.dask_scheduler else _WORTH_PROCESSES):
        result = clean_batches(engine, batches, rules)
    else:
        make_months(engine, batches)
        result = clean_batches_on(open_executor, batches, settings)
    move_watermarks(engine)
    return result


def clean_batches_on(
    open_executor: ExecutorOpener, batches: Iterable[Batch], settings: Settings
) -> CleanResult:
    """Clean batches on an executor, each once or, where a process was killed, once more."""
    work = partial(clean_batch_of, settings)
    return sum(run_all(open_executor, work, by_turns(batches)), CleanResult())


def clean_batch_of(settings: Settings, batch: Batch) -> CleanResult:
    """Clean a batch in this process, over its own connection."""
    return clean_batch(_engine_of(settings), batch, rules_of(settings))


@lru_cache(maxsize=1)
def _engine_of(settings: Settings) -> Engine:
    return engine_for(settings, application="clean", pool_size=_CONNECTIONS)
