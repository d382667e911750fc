"""Notices on the topic `weather/notices`, for programs that listen to the broker."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import Engine, Row

from citywx.mail.sending import Sending, send_due
from citywx.mail.transport import Delivery, MailUnavailableError, Outcome
from citywx.notices.content_json import decode
from citywx.notices.deliveries import NOTICES, Sent, of_receiver
from citywx.notices.routes import Receiver, Template
from citywx.notices.webhook_bodies import body
from streaming.broker import Broker, Message
from streaming.messages import NOTICES as TOPIC
from streaming.mqtt import Connection
from streaming.process import Process

_SECONDS = 10.0
_LOOK_SECONDS = 0.5
_PER_SECOND = 100.0


class NoticePublisher:
    """Publishes what is due; lives on one thread, as its connection does."""

    def __init__(self, engine: Engine, process: Process, receiver: Receiver) -> None:
        self._engine = engine
        self._process = process
        self._receiver = receiver
        self._transport: _Publishing | None = None

    def send(self, stopping: Callable[[], bool]) -> Sent:
        """Publish the notices that are due."""
        if self._transport is None:
            broker = Broker.of(self._process.settings)
            # Nothing is kept for it on the broker, so any name will do, and two do not clash.
            name = f"citywx-notifier-{secrets.token_hex(4)}"
            self._transport = _Publishing(Connection(broker, name))
        self._transport.keep_alive()
        page = self._process.settings.public_url

        def compose(_: DatabaseConnection, row: Row[Any]) -> Message:
            content = decode(row.content)
            return Message(TOPIC, body(Template.JSON, content, url="", page=page))

        sending = Sending(
            NOTICES,
            compose,
            self._transport,
            where=of_receiver(self._receiver),
            stopping=stopping,
            per_second=_PER_SECOND,
        )
        return Sent.by(sending, send_due(self._engine, sending, now=datetime.now(UTC)))


class _Publishing:
    """A transport over one connection, which stays between two runs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """The connection is kept for the next run."""

    def keep_alive(self) -> None:
        """Handle what the broker has said meanwhile."""
        self._connection.wait(0)

    def send(self, message: Message) -> Delivery:
        """Publish, and wait for the broker's answer."""
        deadline = time.monotonic() + _SECONDS
        while not self._connection.ready:
            if time.monotonic() > deadline:
                reason = "the broker cannot be reached"
                raise MailUnavailableError(reason)
            self._connection.wait(_LOOK_SECONDS)
        self._connection.outcomes()
        session, number = self._connection.session, self._connection.publish(message)
        while number is not None and time.monotonic() < deadline:
            self._connection.wait(_LOOK_SECONDS)
            for outcome in self._connection.outcomes():
                if outcome.message_id == number:
                    return _delivery(outcome.accepted, outcome.reason)
            if self._connection.session != session:
                break
        return Delivery(Outcome.UNKNOWN, "no answer of the broker", stop=True)


def _delivery(accepted: bool, reason: str) -> Delivery:  # noqa: FBT001 - the broker's word
    if accepted:
        return Delivery(Outcome.SENT, reason)
    return Delivery(Outcome.DEFERRED, f"the broker refuses the notice: {reason}", stop=True)
