"""Cleaning on several processes: chunks of a city and a month, each in a transaction of its own.

A chunk that is done is done, whatever becomes of the others. How one chunk is cleaned belongs in
`citywx.warehouse.clean`; where the processes are, in `citywx.compute`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache, partial

from sqlalchemy import Engine

from citywx.compute import ExecutorOpener, run_all
from citywx.settings import Settings
from citywx.warehouse import clean
from citywx.warehouse.clean import CleanResult, rules_of
from citywx.warehouse.database import engine_for
from citywx.weather.cleaning import CleaningRules

_WORTH_PROCESSES = 128
"""Chunks from which on it pays to start processes: one takes 0.1 s, a process some seconds."""
_WORTH_DASK = 16
"""The same for workers that are there already."""
_CONNECTIONS = 8  # of one process: a Dask worker may have several threads

Chunk = clean._Chunk  # noqa: SLF001 - the seam to `clean`, with the two functions at the end


def clean_days_on(
    open_executor: ExecutorOpener,
    engine: Engine,
    days: Iterable[date],
    *,
    settings: Settings,
    only_dirty: bool = True,
) -> CleanResult:
    """Clean these UTC days as `clean.clean_days` does, on an executor where there is much to do.

    The processes connect to the DATABASE_URL of `settings`. A few chunks are cleaned here.
    """
    chunks = _chunks(engine, sorted(set(days)), only_dirty=only_dirty)
    if len(chunks) < (_WORTH_DASK if settings.dask_scheduler else _WORTH_PROCESSES):
        rules = rules_of(settings)
        result = sum((_clean(engine, chunk, rules) for chunk in chunks), CleanResult())
    else:
        result = clean_chunks_on(open_executor, chunks, settings)
    with engine.begin() as connection:
        clean._move_watermarks(connection)  # noqa: SLF001
    return result


def clean_chunks_on(
    open_executor: ExecutorOpener, chunks: Iterable[Chunk], settings: Settings
) -> CleanResult:
    """Clean chunks on an executor, each once or, where a process was killed, once more."""
    return sum(
        run_all(open_executor, partial(clean_chunk_of, settings), by_turns(chunks)), CleanResult()
    )


def clean_chunk_of(settings: Settings, chunk: Chunk) -> CleanResult:
    """Clean a chunk in this process, over its own connection."""
    return _clean(_engine_of(settings), chunk, rules_of(settings))


def by_turns(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The chunks with the cities taking turns: two of one city would wait for each other."""
    waiting: dict[str, deque[Chunk]] = {}
    for chunk in chunks:
        waiting.setdefault(chunk.city, deque()).append(chunk)
    while waiting:
        for city in list(waiting):
            yield waiting[city].popleft()
            if not waiting[city]:
                del waiting[city]


@lru_cache(maxsize=1)
def _engine_of(settings: Settings) -> Engine:
    return engine_for(settings, application="clean", pool_size=_CONNECTIONS)


def _chunks(engine: Engine, days: Sequence[date], *, only_dirty: bool) -> list[Chunk]:
    with engine.connect() as connection:
        dirty = list(clean._dirty_chunks(connection, days))  # noqa: SLF001
        return dirty if only_dirty else list(clean._whole_chunks(connection, days, dirty))  # noqa: SLF001


def _clean(engine: Engine, chunk: Chunk, rules: CleaningRules) -> CleanResult:
    with engine.begin() as connection:
        return clean._clean_chunk(connection, chunk, rules)  # noqa: SLF001
