"""Alert events → notices, and notices and queued mails → mailboxes, webhooks and the broker.

Which notices there are is decided in `citywx.notices`, and what mails say in `citywx.mail`; here is
only the waiting. Each way out has a thread of its own. Beside notices the mail channel sends
confirmations and welcomes, and daily summaries that were deferred or left behind.
"""

import logging
import time
from collections import Counter as Counts
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError

from citywx.mail.daily import send_left_behind
from citywx.mail.outbox import send_outbox
from citywx.notices.deliveries import (
    Sent,
    forget_old,
    give_up_late,
    send_notice_mails,
    send_to_webhook,
)
from citywx.notices.making import Made, NoticeMaker
from citywx.notices.routes import Receiver, ReceiverKind, Routing
from citywx.notices.routes_file import RoutesError
from citywx.warehouse.database import DatabaseNotConfiguredError, engine_for, is_migrated
from streaming import notifier_metrics
from streaming.broker import BrokerNotConfiguredError
from streaming.channel import Channel, Send, back_off_seconds
from streaming.notice_publisher import NoticePublisher
from streaming.process import Process, run
from streaming.routes_watch import RoutesWatch

_log = logging.getLogger(__name__)
_ROUND_SECONDS = 1.0
_END_SECONDS = 3.0
_STALE_SECONDS = 120.0  # back-off is progress
_CONNECTIONS = 8
_ROUNDS_BETWEEN_UPKEEP = 5


class Notifier:
    """Makes notices, and keeps a channel for each way out."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._engine = engine_for(process.settings, application="notifier", pool_size=_CONNECTIONS)
        self._routes = RoutesWatch(process.settings.alert_routes)
        self._maker = NoticeMaker(self._engine, process.home.kind.value)
        self._channels: dict[Receiver | None, Channel] = {}
        self._rounds = self._failures = 0
        self._told: str | None = None

    def step(self) -> None:
        """One round: take in events, queue notices, look after the channels."""
        try:
            problem = self._make()
        except OperationalError:
            self._engine.dispose()
            problem = "waiting for the database"
        self._failures = self._failures + 1 if problem else 0
        if problem and problem != self._told:
            _log.warning("%s", problem)
        self._told = problem
        for channel in self._channels.values():
            channel.check()
        waiting = [f"{one.name}: {one.problem}" for one in self._channels.values() if one.problem]
        self._process.beat(problem or "; ".join(waiting) or "running")
        self._process.wait(back_off_seconds(self._failures) if problem else _ROUND_SECONDS)

    def close(self) -> None:
        """Let every channel end the notice at hand; not for ever."""
        for channel in self._channels.values():
            channel.stop()
        deadline = time.monotonic() + _END_SECONDS
        for channel in self._channels.values():
            channel.join(max(0.0, deadline - time.monotonic()))
        self._engine.dispose()

    def _make(self) -> str | None:
        """Make the notices that are due; returns what stands in the way, for people, or None."""
        with self._engine.connect() as connection:
            if not is_migrated(connection):
                return "waiting for the database schema"
        routing = self._routes.look()
        self._keep_channels(routing)
        made = self._maker.make(routing, datetime.now(UTC))
        while made.more and not self._process.stopping.is_set():
            notifier_metrics.note_made(made)
            made = self._maker.make(routing, datetime.now(UTC))
        _tell(made)
        notifier_metrics.note_made(made)
        if self._rounds % _ROUNDS_BETWEEN_UPKEEP == 0:
            self._look_after_rows(datetime.now(UTC))
        self._rounds += 1
        return None

    def _look_after_rows(self, now: datetime) -> None:
        failed = give_up_late(self._engine, now)
        if failed:
            _log.error("%d notices could not be delivered in time", failed)
        forget_old(self._engine, now)
        notifier_metrics.note_states(self._engine, now)

    def _keep_channels(self, routing: Routing) -> None:
        """One for mail, and one for each webhook and the broker, as the file has them now."""
        kinds = (ReceiverKind.WEBHOOK, ReceiverKind.MQTT)
        wanted = {one for one in routing.receivers.values() if one.kind in kinds}
        for gone in self._channels.keys() - {None, *wanted}:
            self._channels.pop(gone).stop()
        for new in {None, *wanted} - self._channels.keys():
            self._channels[new] = self._channel(new)

    def _channel(self, receiver: Receiver | None) -> Channel:
        """The way to a receiver; None: to all mailboxes."""
        if receiver is None:
            return Channel("mail", self._send_mails, notifier_metrics.count_mails)
        if receiver.kind is ReceiverKind.MQTT:
            send: Send = NoticePublisher(self._engine, self._process, receiver).send
        else:
            send = self._to_webhook(receiver)
        return Channel(receiver.name, send, notifier_metrics.counter(receiver.name))

    def _send_mails(self, stopping: Callable[[], bool]) -> Sent:
        process = self._process
        counts = Counts[str]()
        for send in (send_notice_mails, send_outbox, send_left_behind):
            now = datetime.now(UTC)
            counts += send(self._engine, process.settings, process.home, now=now, stopping=stopping)
        return Sent(counts)

    def _to_webhook(self, receiver: Receiver) -> Send:
        def send(stopping: Callable[[], bool]) -> Sent:
            now = datetime.now(UTC)
            return send_to_webhook(
                self._engine, self._process.settings, receiver, now=now, stopping=stopping
            )

        return send


def _tell(made: Made) -> None:
    if made.notices:
        _log.info("%d notices for %d receivers", made.notices, made.notifications)


def main(process: Process) -> None:
    """Make and send notices until asked to stop."""
    process.stale_after = _STALE_SECONDS
    notifier = Notifier(process)
    try:
        while not process.stopping.is_set():
            notifier.step()
    finally:
        notifier.close()


if __name__ == "__main__":
    run(
        "notifier",
        main,
        mistakes=(BrokerNotConfiguredError, DatabaseNotConfiguredError, RoutesError),
    )
