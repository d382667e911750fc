"""One way out for notices and mails, on a thread of its own: whoever hangs holds up nobody else."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable

from sqlalchemy.exc import OperationalError

from citywx.mail.transport import MailError
from citywx.notices.deliveries import Sent

_log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
_LONGEST_WAIT = 60.0

Send = Callable[[Callable[[], bool]], Sent]
"""Sends what is due, until it is told to stop."""


class Channel:
    """Sends what is due every second, and less and less often while that fails."""

    def __init__(self, name: str, send: Send, counted: Callable[[Counter[str]], None]) -> None:
        """`counted` is told what every round came to."""
        self.name = name
        self.problem: str | None = None
        """What stands in the way, for people."""
        self._send = send
        self._counted = counted
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        # A server may keep us waiting longer than a process may take to end: what was being sent
        # then is found by the next one.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise what ended its thread."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ask it to end after the notice at hand."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait for its end, but no longer than that."""
        self._thread.join(seconds)

    def _run(self) -> None:
        failures = 0
        try:
            while not self._stopping.is_set():
                sent = self._round()
                if sent.problem and sent.problem != self.problem:
                    _log.warning("%s: %s", self.name, sent.problem)
                self.problem = sent.problem
                failures = failures + 1 if sent.problem else 0
                wait = back_off_seconds(failures) if sent.problem else _POLL_SECONDS
                self._stopping.wait(max(wait, sent.wait))
        except BaseException as error:  # noqa: BLE001 - raised again by `check`
            self._failure = error

    def _round(self) -> Sent:
        try:
            sent = self._send(self._stopping.is_set)
        except OperationalError:
            return Sent(Counter(), "waiting for the database")
        except (MailError, OSError) as error:
            return Sent(Counter(), f"it waits: {error}")
        self._counted(sent.counts)
        if sent.counts:
            told = ", ".join(f"{number} {state}" for state, number in sent.counts.items())
            _log.info("%s: %s", self.name, told)
        return sent


def back_off_seconds(failures: int) -> float:
    """How long to wait after so many failures: up to 2, 4, 8 … 60 s, with jitter."""
    longest = min(_LONGEST_WAIT, 2.0**failures)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter
