"""Work that must not hold up a loop: saving with fsync, reporting over HTTP. One thread, one job.

A job that is asked for while another runs is not queued: its owner asks again when it is due.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

_log = logging.getLogger(__name__)


class Background:
    """Runs one job at a time on a thread of its own; failures are logged once, then tried again."""

    def __init__(
        self,
        name: str,
        failures: tuple[type[Exception], ...] = (OSError,),
        level: int = logging.ERROR,
    ) -> None:
        """`failures` leave the owner running and are logged at `level`; any other one ends it."""
        self._name = name
        self._level = level
        self._failures = failures
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._running: Future[None] | None = None
        self._complained = False

    @property
    def idle(self) -> bool:
        """Whether a job can be started; looks at how the last one ended."""
        if self._running is not None and self._running.done():
            self._look_at(self._running)
            self._running = None
        return self._running is None

    def start(self, job: Callable[[], None]) -> None:
        """Start a job; only when `idle`."""
        self._running = self._executor.submit(job)

    def wait(self) -> None:
        """Wait for the running job, so that another one can be started."""
        if self._running is not None:
            wait([self._running])

    def finish(self, last: Callable[[], None] | None = None) -> None:
        """Wait for the running job, then do one last job here."""
        self._executor.shutdown(wait=True)
        if self._running is not None:
            self._look_at(self._running)
            self._running = None
        if last is not None:
            last()

    def _look_at(self, done: Future[None]) -> None:
        try:
            done.result()
        except self._failures as error:
            if not self._complained:
                _log.log(self._level, "%s failed, and is tried again: %s", self._name, error)
            self._complained = True
        else:
            self._complained = False
