"""Cleaning on several processes: batches of some cities' time, each in its own transaction.

A batch that is done is done, whatever becomes of the others. How one is cleaned belongs in
`citywx.warehouse.clean`; where the processes are, in `citywx.compute`.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache, partial

from sqlalchemy import Engine

from citywx.compute import ExecutorOpener, run_all
from citywx.settings import Settings
from citywx.warehouse.clean import CleanResult, clean_batch, move_watermarks, rules_of, work_in
from citywx.warehouse.database import engine_for
from citywx.warehouse.windows import Batch

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
    batches = work_in(engine, days, only_dirty=only_dirty)
    readings = sum(chunk.rows for batch in batches for chunk in batch)
    if readings < (_WORTH_DASK if settings.dask_scheduler else _WORTH_PROCESSES):
        rules = rules_of(settings)
        result = sum((clean_batch(engine, batch, rules) for batch in batches), CleanResult())
    else:
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


def by_turns(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches with the cities taking turns: two of one city would wait for each other."""
    waiting: dict[str, deque[Batch]] = {}
    for batch in batches:
        waiting.setdefault(batch[0].city, deque()).append(batch)
    while waiting:
        for city in list(waiting):
            yield waiting[city].popleft()
            if not waiting[city]:
                del waiting[city]


@lru_cache(maxsize=1)
def _engine_of(settings: Settings) -> Engine:
    return engine_for(settings, application="clean", pool_size=_CONNECTIONS)
