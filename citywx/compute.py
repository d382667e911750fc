"""Where heavy work runs: a `concurrent.futures.Executor` of this machine's processes, or Dask's.

Work is a function at the top of a module and arguments that can be pickled: the processes that run
it import the module by name, so the same version of citywx must be installed on them, and with
Dask on the scheduler as well. What the work is belongs in the module that defines it.

    ComputeError
    ├── DaskMissingError       DASK_SCHEDULER is set, and the package is not installed
    └── DaskUnreachableError   the scheduler does not answer, has no workers, or went away
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    ProcessPoolExecutor,
    as_completed,
)
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, TypeVar

from citywx.settings import Settings

if TYPE_CHECKING:
    from distributed import Client

_CONNECT_SECONDS = 10
_WORKERS_SECONDS = 30
_MOST_BROKEN_POOLS = 3  # work that kills its process every time must end at some time

Item = TypeVar("Item")
Result = TypeVar("Result")

ExecutorOpener = Callable[[], AbstractContextManager[Executor]]
"""Opens an executor; called only when there is work that is worth one."""


class ComputeError(Exception):
    """There is nowhere to run the work; the message says what to do."""


class DaskMissingError(ComputeError):
    """DASK_SCHEDULER is set without the package that it needs."""


class DaskUnreachableError(ComputeError):
    """The Dask cluster cannot be used."""


@contextmanager
def executor(settings: Settings) -> Iterator[Executor]:
    """The executor that these settings want; on leaving, work that has not begun is dropped."""
    if settings.dask_scheduler is not None:
        with _dask(settings.dask_scheduler) as cluster:
            yield cluster
        return
    workers = settings.workers or os.cpu_count() or 1
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def run_all(
    open_executor: ExecutorOpener, function: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """What `function` gives for each item, as it is done.

    A pool whose process was killed is replaced, and the items without a result are done again (Dask
    does so by itself). So `function` must bear to be run twice. Raises what `function` raises.
    """
    left = dict(enumerate(items))
    broken = 0
    while left:
        try:
            with open_executor() as workers:
                numbers = {workers.submit(function, item): key for key, item in left.items()}
                for future in as_completed(numbers):
                    result = future.result()
                    del left[numbers[future]]
                    yield result
        except BrokenExecutor:
            broken += 1
            if broken == _MOST_BROKEN_POOLS:
                raise
        except CancelledError:
            message = "the Dask scheduler went away before the work was done"
            raise DaskUnreachableError(message) from None


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    client = _connect(address)
    try:
        # Impure: keys are random, so that runs with the same work never share one result.
        yield client.get_executor(pure=False)
    finally:
        client.close()


def _connect(address: str) -> "Client":
    try:
        from distributed import Client  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        message = "DASK_SCHEDULER is set, but Dask is not installed: pip install 'citywx[dask]'"
        raise DaskMissingError(message) from None
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        message = f"the Dask scheduler {address} does not answer ({type(error).__name__})"
        raise DaskUnreachableError(message) from None
    try:
        client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
    except TimeoutError:
        client.close()
        message = f"the Dask scheduler {address} has no workers: start `dask worker {address}`"
        raise DaskUnreachableError(message) from None
    return client
