"""Sends queued notices over mail and webhooks: which rows, how often, and when to give up.

The states of a notification and its claiming are those of all queued mails: `citywx.mail.queue`.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, select, update

from citywx.home import Home
from citywx.mail.delivery import transport_for
from citywx.mail.outbox import suppress_if_told
from citywx.mail.queue import MailQueue, Resending
from citywx.mail.sending import Sending, send_due
from citywx.mail.transport import Delivery, Transport
from citywx.notices.content_json import decode
from citywx.notices.notice_mail import compose_notice
from citywx.notices.routes import Channel, Receiver
from citywx.notices.webhook import WebhookRequest, WebhookTransport
from citywx.notices.webhook_bodies import body, target
from citywx.settings import Settings
from citywx.warehouse.tables import alert_notifications

GIVE_UP_AFTER = timedelta(hours=24)
"""So long after it was made a notice is no news any more."""
_KEPT_FOR = timedelta(days=90)
_GIVEN_UP = "could not be delivered within 24 hours"
_FIRST_WAIT, _LONGEST_WAIT = 10.0, 300.0
_WEBHOOKS_PER_SECOND = 10.0
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run came to."""

    counts: Counter[str]
    """Notices by the state they came to."""
    problem: str | None = None
    """Why nothing more is to be sent just now, for people."""
    wait: float = 0.0
    """Seconds for which the receiver asks to be left alone."""

    @classmethod
    def by(cls, sending: Sending[Any], counts: Counter[str]) -> "Sent":
        """What a run that is over came to."""
        end = sending.stopped_by
        return cls(counts) if end is None else cls(counts, end.detail, end.retry_after or 0.0)


def _soon(attempts: int) -> timedelta:
    """10 s, doubled with every attempt up to 5 minutes, and shortened at random by up to half."""
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0 ** min(attempts - 1, 10))
    return timedelta(seconds=random.uniform(longest / 2, longest))  # noqa: S311 - jitter


NOTICE_MAILS = MailQueue(alert_notifications, most_attempts=None, resending=Resending(1))
"""A server that takes a mail and does not answer gets it once more at most."""
NOTICES = MailQueue(alert_notifications, most_attempts=None, wait=_soon, resending=Resending(None))
"""Those that are no mails: the receiver can tell a doubled one by its delivery's id."""


def send_notice_mails(
    engine: Engine,
    settings: Settings,
    home: Home,
    *,
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
) -> Counter[str]:
    """Send the notices to subscribers and operators that are due; see `send_due`."""

    def compose(connection: Connection, row: Row[Any]) -> EmailMessage | None:
        return compose_notice(connection, settings, home, row, now=now)

    sending = Sending(
        NOTICE_MAILS,
        compose,
        _Discreet(transport_for(settings, home)),
        where=(alert_notifications.c.channel == Channel.MAIL,),
        stopping=stopping,
        settled=suppress_if_told,
        per_second=settings.mails_per_second,
    )
    return send_due(engine, sending, now=now)


def send_to_webhook(
    engine: Engine,
    settings: Settings,
    receiver: Receiver,
    *,
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
) -> Sent:
    """Send one webhook's notices that are due; ends early when it fails."""

    def compose(_: Connection, row: Row[Any]) -> WebhookRequest:
        content = decode(row.content)
        return WebhookRequest(
            target(receiver.template, receiver.url),
            body(receiver.template, content, url=receiver.url, page=settings.public_url),
            f"{row.notice_id}.{row.notification_id}",
            receiver.secret,
        )

    sending = Sending(
        NOTICES,
        compose,
        WebhookTransport(),
        where=of_receiver(receiver),
        stopping=stopping,
        per_second=_WEBHOOKS_PER_SECOND,
    )
    return Sent.by(sending, send_due(engine, sending, now=now))


def of_receiver(receiver: Receiver) -> tuple[ColumnElement[bool], ...]:
    """The notifications of a receiver that is no mailbox."""
    table = alert_notifications
    return table.c.channel == receiver.kind.channel.value, table.c.receiver == receiver.name


def give_up_late(engine: Engine, now: datetime) -> int:
    """Let the notices fail that nobody took in time; how many there were."""
    table = alert_notifications
    late = (
        update(table)
        .where(table.c.state.in_(("queued", "deferred")))
        .where(table.c.queued_at < now - GIVE_UP_AFTER)
        .values(
            state="failed",
            last_error=func.concat_ws(": ", _GIVEN_UP, table.c.last_error),
        )
    )
    with engine.begin() as connection:
        return connection.execute(late).rowcount


def forget_old(engine: Engine, now: datetime) -> int:
    """Delete what was settled long ago; how many rows there were."""
    table = alert_notifications
    old = delete(table).where(
        table.c.queued_at < now - _KEPT_FOR,
        table.c.state.not_in(("queued", "transmitting", "deferred")),
    )
    with engine.begin() as connection:
        return connection.execute(old).rowcount


def count_by_state(connection: Connection, *, since: datetime) -> list[tuple[str, str, int, int]]:
    """Channel, state, how many, and how many attempts of unknown outcome; of notices since then."""
    table = alert_notifications
    rows = connection.execute(
        select(table.c.channel, table.c.state, func.count(), func.sum(table.c.uncertain))
        .where(table.c.queued_at > since)
        .group_by(table.c.channel, table.c.state)
    )
    return [(channel, state, number, int(uncertain)) for channel, state, number, uncertain in rows]


class _Discreet:
    """A transport whose answers hold no addresses: the state of a notice is there for many."""

    def __init__(self, transport: Transport[EmailMessage]) -> None:
        self._transport = transport

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._transport.__exit__(kind, error, traceback)

    def send(self, message: EmailMessage) -> Delivery:
        delivery = self._transport.send(message)
        return replace(delivery, detail=_ADDRESS.sub("(address)", delivery.detail))
