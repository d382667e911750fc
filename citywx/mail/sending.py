"""Sends the due mails of a queue, one after another, each settled before the next."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row

from citywx.mail.message import HeaderError
from citywx.mail.queue import (
    MailQueue,
    begin_transmitting,
    give_up,
    mark_unknown,
    next_due,
    put_back,
    settle,
)
from citywx.mail.transport import Delivery, MailError, Outcome, Transport

_log = logging.getLogger(__name__)

M = TypeVar("M")
Compose = Callable[[Connection, Row[Any]], M | None]
"""Builds the message of a queued mail; None when it is not wanted any more."""


@dataclass(slots=True)
class Sending(Generic[M]):
    """What to send, how, and when to stop."""

    queue: MailQueue
    compose: Compose[M]
    transport: Transport[M]
    where: tuple[ColumnElement[bool], ...] = ()
    stopping: Callable[[], bool] = lambda: False
    settled: Callable[[Connection, Row[Any], Delivery], None] = lambda *_: None
    """Called after each mail, in the transaction that ends with the next one."""
    per_second: float = 20.0
    stopped_by: Delivery | None = None
    """The answer that ended the last run before its time."""
    _last: float = field(default=0.0)

    def pace(self) -> None:
        """Wait so that no more than `per_second` mails leave in a second."""
        wait = self._last + 1 / self.per_second - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._last = time.monotonic()


def send_due(engine: Engine, sending: Sending[M], *, now: datetime) -> Counter[str]:
    """Send everything that is due; returns how many mails came to which state.

    Several may run at once. Ends early when the server objects to us rather than to a mail. Raises
    MailError, with the mail at hand back in its queue, when none can be sent.
    """
    counts: Counter[str] = Counter()
    with engine.connect() as connection:
        try:
            lost = mark_unknown(connection, sending.queue)
            counts.update({Outcome.UNKNOWN.value: lost} if lost else {})
            with sending.transport:
                while not sending.stopping():
                    delivery = _send_next(connection, sending, now)
                    if delivery is None:
                        break
                    counts[delivery.outcome.value] += 1
                    if delivery.stop:
                        sending.stopped_by = delivery
                        _log.warning("sending pauses: the server says %s", delivery.detail)
                        break
        except BaseException:
            connection.invalidate()  # frees the advisory locks that this session may still hold
            raise
    return counts


def _send_next(connection: Connection, sending: Sending[M], now: datetime) -> Delivery | None:
    queue = sending.queue
    row = next_due(connection, queue, *sending.where, now=now)
    if row is None:
        connection.rollback()
        return None
    try:
        message = sending.compose(connection, row)
    except HeaderError as error:
        give_up(connection, queue, row, Outcome.FAILED, str(error))
        return Delivery(Outcome.FAILED, str(error))
    if message is None:
        give_up(connection, queue, row, Outcome.SUPPRESSED, "not wanted any more")
        return Delivery(Outcome.SUPPRESSED)
    sending.pace()
    if not begin_transmitting(connection, queue, row):
        return None
    try:
        delivery = sending.transport.send(message)
    except (MailError, OSError) as error:
        put_back(connection, queue, row, str(error), now=now)
        raise
    outcome = settle(connection, queue, row, delivery, now=now)
    sending.settled(connection, row, delivery)
    connection.commit()
    return replace(delivery, outcome=outcome)
