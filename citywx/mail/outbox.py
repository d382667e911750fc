"""The mails that answer a subscription: confirmation and welcome, with current conditions.

They are queued by `citywx.subscriptions` and sent by `streaming.notifier`.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, select, update

from citywx.home import Home, HomeKind
from citywx.mail.city_news import CityNews, current_news, load_city
from citywx.mail.delivery import transport_for
from citywx.mail.message import Letter, build_message
from citywx.mail.queue import OUTBOX
from citywx.mail.render import Page, render
from citywx.mail.sending import Sending, send_due
from citywx.mail.tokens import Purpose, Token, link
from citywx.mail.transport import Delivery, Outcome
from citywx.settings import Settings
from citywx.warehouse.tables import subscriber_cities, subscribers

_SUBJECTS = {
    "confirmation": "Please confirm your daily weather mail",
    "welcome": "Welcome to your daily weather mail",
}
_NEW = "Somebody, probably you, asked for a daily weather mail to this address."
_CHANGE = "Somebody, probably you, asked to change the cities of your daily weather mail."


def send_outbox(
    engine: Engine,
    settings: Settings,
    home: Home,
    *,
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
) -> Counter[str]:
    """Send the mails of the outbox that are due; see `citywx.mail.sending.send_due`."""

    def compose(connection: Connection, row: Row[Any]) -> EmailMessage | None:
        return compose_outbox(connection, settings, home, row, now=now)

    sending = Sending(
        OUTBOX,
        compose,
        transport_for(settings, home),
        stopping=stopping,
        settled=suppress_if_told,
        per_second=settings.mails_per_second,
    )
    return send_due(engine, sending, now=now)


def compose_outbox(
    connection: Connection, settings: Settings, home: Home, row: Row[Any], *, now: datetime
) -> EmailMessage | None:
    """The message of an outbox row; None when it is out of date."""
    subscriber = _subscriber(connection, row.subscriber_id)
    nonce = str(row.payload["nonce"])
    confirms = row.kind == "confirmation"
    if subscriber is None or not (
        subscriber.token_nonce == nonce if confirms else subscriber.state == "confirmed"
    ):
        return None
    message, target, unsubscribe = "", settings.public_url, None
    if confirms:
        message = _CHANGE if subscriber.state == "confirmed" else _NEW
        target = link(settings, Purpose.CONFIRM, Token(row.subscriber_id, nonce), now=now)
    else:
        unsubscribe = link(settings, Purpose.UNSUBSCRIBE, Token(row.subscriber_id, ""), now=now)
    news = _news(connection, home, row.subscriber_id, pending=confirms, now=now)
    page = Page(home, _SUBJECTS[row.kind], news, target, unsubscribe, message)
    text, html = render(row.kind, page)
    letter = Letter(row.recipient, page.subject, text, html, key=f"{row.kind}.{nonce}")
    return build_message(letter, sender=settings.mail_from, date=now)


def suppress_if_told(connection: Connection, row: Row[Any], delivery: Delivery) -> None:
    """Remember that there is no such mailbox, so that no summary is tried on it."""
    if delivery.outcome is Outcome.SUPPRESSED and row.subscriber_id is not None:
        connection.execute(
            update(subscribers)
            .where(subscribers.c.subscriber_id == row.subscriber_id)
            .values(suppressed_reason=delivery.detail)
        )


def _subscriber(connection: Connection, subscriber: UUID) -> Row[Any] | None:
    return connection.execute(
        select(subscribers).where(subscribers.c.subscriber_id == subscriber)
    ).one_or_none()


def _news(
    connection: Connection, home: Home, subscriber: UUID, *, pending: bool, now: datetime
) -> list[CityNews]:
    names = connection.scalars(
        select(subscriber_cities.c.city)
        .where(subscriber_cities.c.subscriber_id == subscriber)
        .where(subscriber_cities.c.pending.is_(pending))
        .order_by(subscriber_cities.c.city)
    ).all()
    clock = None if home.kind is HomeKind.REPLAY else now
    return [current_news(connection, load_city(connection, name), now=clock) for name in names]
