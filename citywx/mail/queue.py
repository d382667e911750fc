"""The states of queued mails in PostgreSQL: `mail_outbox`, `email_ledger`, `alert_notifications`.

    queued ─▶ transmitting ─▶ sent | deferred (─▶ transmitting …) | failed | suppressed | unknown

A mail is `transmitting` from before its first byte leaves until its outcome is written. Meanwhile
its sender holds a session-level advisory lock, which PostgreSQL frees when the sender dies: a mail
that is `transmitting` with nobody holding its lock may have arrived or not. It becomes `unknown`,
which people see, and is not sent again by itself. A notice about an alert is: better twice than
never. That is counted in its row (`uncertain`), and is its queue's `Resending`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, func, select, tuple_, update

from citywx.mail.transport import Delivery, Outcome
from citywx.warehouse.tables import email_ledger, mail_outbox

UNSENT = ("queued", "transmitting", "deferred", "failed", "unknown", "suppressed")
MOST_ATTEMPTS = 8
_RETRY_MINUTES = (1, 4, 16, 64, 240)
_LOCK_CLASS = 0x6D6C  # "ml": apart from all other advisory locks
_DIED = "the sender ended before the server's answer was noted"


def retry_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 1, 4, 16, 64 minutes, then 4 hours.

    >>> [retry_after(attempts).total_seconds() / 60 for attempts in (1, 2, 3, 4, 5, 6)]
    [1.0, 4.0, 16.0, 64.0, 240.0, 240.0]
    """
    return timedelta(minutes=_RETRY_MINUTES[min(attempts, len(_RETRY_MINUTES)) - 1])


@dataclass(frozen=True, slots=True)
class Resending:
    """What is sent again although it may have arrived; needs the column `uncertain`."""

    unanswered: int | None
    """How often at most while the server takes it and does not answer; None: always."""


@dataclass(frozen=True, slots=True)
class MailQueue:
    """A table of mails in the states above."""

    table: Table
    most_attempts: int | None = MOST_ATTEMPTS
    """After so many a mail has failed; None: its owner decides when."""
    wait: Callable[[int], timedelta] = retry_after
    """The time to the next attempt after so many."""
    resending: Resending | None = None
    """None: nothing of unknown fate is sent again."""

    @property
    def keys(self) -> Sequence[ColumnElement[Any]]:
        """The columns that identify a mail."""
        return tuple(self.table.primary_key.columns)

    def is_row(self, row: Row[Any]) -> ColumnElement[bool]:
        """The condition that holds for this mail alone."""
        return tuple_(*self.keys) == tuple(row._mapping[key.name] for key in self.keys)  # noqa: SLF001 - SQLAlchemy's public name

    def lock_name(self, row: Row[Any]) -> str:
        """What the sender of this mail locks."""
        key = (str(row._mapping[key.name]) for key in self.keys)  # noqa: SLF001 - SQLAlchemy's public name
        return " ".join((self.table.name, *key))


OUTBOX = MailQueue(mail_outbox)
LEDGER = MailQueue(email_ledger)


def next_due(
    connection: Connection, queue: MailQueue, *where: ColumnElement[bool], now: datetime
) -> Row[Any] | None:
    """The mail that has been due longest, its row locked until the transaction ends; or None."""
    table = queue.table
    return connection.execute(
        select(table)
        .where(table.c.state.in_(("queued", "deferred")), table.c.next_attempt_at <= now, *where)
        .order_by(table.c.next_attempt_at, *queue.keys)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()


def begin_transmitting(connection: Connection, queue: MailQueue, row: Row[Any]) -> bool:
    """Claim a mail that `next_due` returned, and commit; False when another sender holds it."""
    held = connection.scalar(select(func.pg_try_advisory_lock(*_lock(queue, row))))
    if not held:
        connection.rollback()
        return False
    connection.execute(
        update(queue.table)
        .where(queue.is_row(row))
        .values(state="transmitting", attempts=queue.table.c.attempts + 1)
    )
    connection.commit()
    return True


def settle(
    connection: Connection, queue: MailQueue, row: Row[Any], delivery: Delivery, *, now: datetime
) -> Outcome:
    """Write a mail's outcome, commit, and let go of it; returns the state that it has now."""
    attempts = row.attempts + 1
    outcome = _settled(queue, row, delivery.outcome)
    sent = outcome is Outcome.SENT
    wait = max(queue.wait(attempts), timedelta(seconds=delivery.retry_after or 0))
    values: dict[str, object] = {
        "state": outcome.value,
        "last_error": None if sent else delivery.detail,
        "sent_at": now if sent else None,
        "next_attempt_at": now + wait,
    }
    if queue.resending and delivery.outcome is Outcome.UNKNOWN:
        values["uncertain"] = row.uncertain + 1
    connection.execute(update(queue.table).where(queue.is_row(row)).values(values))
    connection.commit()
    _release(connection, queue, row)
    return outcome


def _settled(queue: MailQueue, row: Row[Any], outcome: Outcome) -> Outcome:
    """The state that an attempt leads to."""
    if outcome is Outcome.UNKNOWN and queue.resending is not None:
        most = queue.resending.unanswered
        return Outcome.DEFERRED if most is None or row.uncertain < most else outcome
    last = queue.most_attempts is not None and row.attempts + 1 >= queue.most_attempts
    return Outcome.FAILED if outcome is Outcome.DEFERRED and last else outcome


def put_back(
    connection: Connection, queue: MailQueue, row: Row[Any], reason: str, *, now: datetime
) -> None:
    """Return a mail of which nothing was transmitted to its state before; no attempt is counted."""
    connection.execute(
        update(queue.table)
        .where(queue.is_row(row))
        .values(
            state=row.state,
            attempts=row.attempts,
            last_error=reason,
            next_attempt_at=now,
        )
    )
    connection.commit()
    _release(connection, queue, row)


def give_up(
    connection: Connection, queue: MailQueue, row: Row[Any], outcome: Outcome, reason: str
) -> None:
    """Settle, without sending it, a mail that `next_due` returned; commits."""
    values = {"state": outcome.value, "last_error": reason}
    connection.execute(update(queue.table).where(queue.is_row(row)).values(values))
    connection.commit()


def mark_unknown(connection: Connection, queue: MailQueue) -> int:
    """Find mails whose sender died while it transmitted them; returns how many. Commits.

    They are `unknown`, or deferred where the queue sends again what may have arrived.
    """
    table, found = queue.table, 0
    values: dict[str, object] = {"state": Outcome.UNKNOWN.value, "last_error": _DIED}
    if queue.resending:
        values |= {"state": Outcome.DEFERRED.value, "uncertain": table.c.uncertain + 1}
    rows = connection.execute(select(table).where(table.c.state == "transmitting")).all()
    connection.rollback()
    for row in rows:
        if not connection.scalar(select(func.pg_try_advisory_lock(*_lock(queue, row)))):
            continue
        changed = connection.execute(
            update(table).where(queue.is_row(row), table.c.state == "transmitting").values(values)
        )
        connection.commit()
        _release(connection, queue, row)
        found += changed.rowcount
    return found


def count_states(connection: Connection, queue: MailQueue) -> dict[str, int]:
    """How many mails are in each state but `sent`, of which there are ever more."""
    table = queue.table
    counted = connection.execute(
        select(table.c.state, func.count()).where(table.c.state.in_(UNSENT)).group_by(table.c.state)
    )
    return dict.fromkeys(UNSENT, 0) | {state: number for state, number in counted}  # noqa: C416 - rows are no pairs to mypy


def _lock(queue: MailQueue, row: Row[Any]) -> tuple[Any, Any]:
    return _LOCK_CLASS, func.hashtext(queue.lock_name(row))


def _release(connection: Connection, queue: MailQueue, row: Row[Any]) -> None:
    connection.execute(select(func.pg_advisory_unlock(*_lock(queue, row))))
    connection.commit()
