"""Work in another thread and transaction that waits for the locks of the test's own."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar

from sqlalchemy import Connection, Engine, text
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

Result = TypeVar("Result")

_WAITING = text("""
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
    WHERE NOT granted AND datname = current_database()
""")


def start_and_wait(
    pool: Executor, engine: Engine, work: Callable[[Connection], Result]
) -> Future[Result]:
    """Start `work` in a transaction of its own; return once it waits for a lock, or is done."""

    def in_transaction() -> Result:
        with engine.begin() as connection:
            return work(connection)

    started = pool.submit(in_transaction)
    _until_it_waits(engine, started)
    return started


@retry(
    retry=retry_if_result(lambda waits: not waits),
    stop=stop_after_delay(20),
    wait=wait_fixed(0.05),  # seconds
)
def _until_it_waits(engine: Engine, started: Future[Result]) -> bool:
    with engine.connect() as connection:
        return started.done() or bool(connection.scalar(_WAITING))
