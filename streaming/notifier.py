"""Mails that were queued in PostgreSQL → SMTP, or the home's mail folder.

It sends confirmations and welcomes, and daily summaries that were deferred or left behind. What a
mail says and how its state changes stand in `citywx.mail`; only the waiting is done here.
"""

import logging
import random
from collections import Counter as Counts
from datetime import UTC, datetime

import prometheus_client as metrics
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from citywx.mail.daily import send_left_behind
from citywx.mail.outbox import send_outbox
from citywx.mail.queue import LEDGER, OUTBOX, count_states
from citywx.mail.transport import MailError
from citywx.warehouse.database import DatabaseNotConfiguredError, engine_for, is_migrated
from streaming.process import Process, run

_log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
_LONGEST_WAIT = 60.0
_STALE_SECONDS = 120.0  # a server may take its time, and back-off is progress

_MAILS = metrics.Counter("citywx_mails", "Mails by the state they came to.", ["state"])
_WAITING = metrics.Gauge("citywx_mails_in_state", "Mails by table and state.", ["table", "state"])


def main(process: Process) -> None:
    """Send what is due, look again every second, and back off while a neighbour is down."""
    process.stale_after = _STALE_SECONDS
    engine = engine_for(process.settings, application="notifier", pool_size=2)
    failures, told = 0, None
    while not process.stopping.is_set():
        try:
            problem = _round(process, engine)
        except OperationalError:
            engine.dispose()
            problem = "waiting for the database"
        failures = failures + 1 if problem else 0
        if problem and problem != told:
            _log.warning("%s", problem)
        told = problem
        process.beat(problem or "running")
        process.wait(_back_off_seconds(failures) if problem else _POLL_SECONDS)
    engine.dispose()


def _round(process: Process, engine: Engine) -> str | None:
    """Send what is due; returns what stands in the way, for people, or None."""
    with engine.connect() as connection:
        if not is_migrated(connection):
            return "waiting for the database schema"
    try:
        counts = _send(process, engine)
    except (MailError, OSError) as error:
        return f"mails wait: {error}"
    for state, number in counts.items():
        _MAILS.labels(state).inc(number)
    if counts:
        _log.info("mails: %s", ", ".join(f"{number} {state}" for state, number in counts.items()))
    return None


def _send(process: Process, engine: Engine) -> Counts[str]:
    settings, home = process.settings, process.home

    def stopping() -> bool:
        process.beat("sending")
        return process.stopping.is_set()

    counts = send_outbox(engine, settings, home, now=datetime.now(UTC), stopping=stopping)
    counts += send_left_behind(engine, settings, home, now=datetime.now(UTC), stopping=stopping)
    with engine.connect() as connection:
        for queue in (OUTBOX, LEDGER):
            for state, number in count_states(connection, queue).items():
                _WAITING.labels(queue.table.name, state).set(number)
    return counts


def _back_off_seconds(failures: int) -> float:
    longest = min(_LONGEST_WAIT, 2.0**failures)
    return random.uniform(longest / 2, longest)  # noqa: S311 - jitter


if __name__ == "__main__":
    run("notifier", main, mistakes=(DatabaseNotConfiguredError,))
