"""Subscribing to the daily summary and to alerts, with double opt-in.

A request queues one mail with a link; only the link's page, by POST, changes anything. Answers are
the same for addresses that are new, known or unsubscribed. Mails are queued here and sent by
`streaming.notifier`; the pages belong to `dashboard`.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from citywx.mail.addresses import AddressError, masked, parse_address
from citywx.mail.request_limits import Asker, count_request
from citywx.mail.tokens import Purpose, SecretKeyMissingError, Token, TokenError, read
from citywx.settings import Settings
from citywx.warehouse.tables import cities as known_cities
from citywx.warehouse.tables import mail_outbox, subscriber_cities, subscribers
from citywx.weather.alerting.policy import Severity

ANSWER = (
    "If this address can receive mail from us, a message with a link is on its way. "
    "Nothing is sent daily until that link is opened and confirmed."
)
"""What everybody is told who asks for a subscription."""

UNSUBSCRIBED = "You will receive no more daily summaries, and no alerts."
ALERT_CHOICES: Mapping[str | None, str] = {
    None: "No alerts",
    Severity.INFO.value: "All alerts",
    Severity.WARNING.value: "Warnings and severe alerts",
    Severity.SEVERE.value: "Severe alerts only",
}
"""In words, by the least serious alert that is mailed."""
_UNKNOWN_ALERTS = "Please choose from the alerts in the list."
_BUSY = "There were too many requests. Please try again in an hour."
_USED = "This link was used already, or a newer one has replaced it."


class SubscriptionError(Exception):
    """A request cannot be met; the message is for people and gives nothing away."""


@dataclass(frozen=True, slots=True)
class TokenDescription:
    """What the page of a valid link says before anything is done."""

    address: str
    """Masked: links are forwarded."""
    cities: tuple[str, ...]
    alerts_from: str | None = None
    """The least serious alert that is mailed; None for none."""


def request_subscription(  # noqa: PLR0913 - the fields of the form, by name
    engine: Engine,
    settings: Settings,
    *,
    email: str,
    cities: Sequence[str],
    client: str,
    now: datetime,
    alerts_from: str | None = None,
) -> str:
    """Note a request and queue its confirmation mail; returns `ANSWER`, whoever the address is.

    `client` is where the request came from (an IP address); only a keyed hash of it is kept. Raises
    SubscriptionError when the address is none, a city is unknown, or there are too many requests.
    """
    address = _address(email)
    if alerts_from not in ALERT_CHOICES:
        raise SubscriptionError(_UNKNOWN_ALERTS)
    with engine.begin() as connection:
        wanted = checked_cities(connection, cities)
        try:
            verdict = count_request(connection, settings, Asker(address, client), now=now)
        except SecretKeyMissingError as error:
            raise SubscriptionError(str(error)) from None
        if verdict.refused:
            raise SubscriptionError(_BUSY)
        if not verdict.address_exhausted:
            request_confirmation(connection, address, wanted, now=now, alerts_from=alerts_from)
    return ANSWER


def request_confirmation(
    connection: Connection,
    address: str,
    cities: Iterable[str],
    *,
    now: datetime,
    alerts_from: str | None = None,
) -> None:
    """Remember cities and choice of alerts as pending, and queue the mail that asks to confirm."""
    nonce = secrets.token_urlsafe(16)
    row = connection.execute(_by_address(address).with_for_update()).one_or_none()
    if row is None:
        values = {"email": address, "state": "pending", "token_nonce": nonce, "requested_at": now}
        subscriber = connection.scalars(
            insert(subscribers).values(values).returning(subscribers.c.subscriber_id)
        ).one()
    else:
        subscriber = row.subscriber_id
        _update(connection, subscriber, token_nonce=nonce, requested_at=now)
    _update(connection, subscriber, alerts_from_pending=alerts_from)
    _replace_cities(connection, subscriber, cities, pending=True)
    _queue(connection, "confirmation", subscriber, nonce, now=now)


def add_confirmed(
    connection: Connection, address: str, cities: Iterable[str], *, now: datetime
) -> None:
    """Add a new subscriber whose consent was given elsewhere; queues no mail."""
    values = {
        "email": address,
        "state": "confirmed",
        "token_nonce": secrets.token_urlsafe(16),
        "requested_at": now,
        "confirmed_at": now,
    }
    subscriber = connection.scalars(
        insert(subscribers).values(values).returning(subscribers.c.subscriber_id)
    ).one()
    _replace_cities(connection, subscriber, cities, pending=False)


def confirm(engine: Engine, settings: Settings, token: str, *, now: datetime) -> TokenDescription:
    """Confirm a subscription, or new cities of one; queues the welcome to a new subscriber.

    A link works once. Raises SubscriptionError when it is forged, expired or used.
    """
    claim = _read(settings, Purpose.CONFIRM, token, now)
    with engine.begin() as connection:
        row = _confirmable(connection, claim)
        wanted = _cities_of(connection, row.subscriber_id, pending=True)
        _replace_cities(connection, row.subscriber_id, wanted, pending=False)
        _replace_cities(connection, row.subscriber_id, (), pending=True)
        nonce = secrets.token_urlsafe(16)
        _update(
            connection,
            row.subscriber_id,
            state="confirmed",
            token_nonce=nonce,
            confirmed_at=now,
            unsubscribed_at=None,
            suppressed_reason=None,
            alerts_from=row.alerts_from_pending,
            alerts_from_pending=None,
        )
        if row.state != "confirmed":
            _queue(connection, "welcome", row.subscriber_id, nonce, now=now)
    return TokenDescription(masked(row.email), wanted, row.alerts_from_pending)


def unsubscribe(engine: Engine, settings: Settings, token: str, *, now: datetime) -> str:
    """Stop all mails of a subscriber; the same answer however often it is asked for.

    Raises SubscriptionError when the link is forged or damaged.
    """
    claim = _read(settings, Purpose.UNSUBSCRIBE, token, now)
    with engine.begin() as connection:
        connection.execute(
            update(subscribers)
            .where(subscribers.c.subscriber_id == claim.subscriber_id)
            .where(subscribers.c.state != "unsubscribed")
            .values(
                state="unsubscribed",
                unsubscribed_at=now,
                token_nonce=secrets.token_urlsafe(16),
            )
        )
    return UNSUBSCRIBED


def describe_token(
    engine: Engine, settings: Settings, token: str, *, purpose: Purpose, now: datetime
) -> TokenDescription:
    """What a link is about, for its page; changes nothing.

    Raises SubscriptionError when the link is forged, expired or used.
    """
    claim = _read(settings, purpose, token, now)
    with engine.connect() as connection:
        if purpose is Purpose.CONFIRM:
            row = _confirmable(connection, claim)
            wanted = _cities_of(connection, row.subscriber_id, pending=True)
            return TokenDescription(masked(row.email), wanted, row.alerts_from_pending)
        found = connection.execute(_by_id(claim.subscriber_id)).one_or_none()
        if found is None:
            return TokenDescription("this address", ())
        wanted = _cities_of(connection, found.subscriber_id, pending=False)
        return TokenDescription(masked(found.email), wanted, found.alerts_from)


def _address(text: str) -> str:
    try:
        return parse_address(text)
    except AddressError as error:
        raise SubscriptionError(str(error)) from None


def _read(settings: Settings, purpose: Purpose, token: str, now: datetime) -> Token:
    try:
        return read(settings, purpose, token, now=now)
    except (TokenError, SecretKeyMissingError) as error:
        raise SubscriptionError(str(error)) from None


def _confirmable(connection: Connection, claim: Token) -> Row[Any]:
    row = connection.execute(_by_id(claim.subscriber_id).with_for_update()).one_or_none()
    if row is None or not secrets.compare_digest(row.token_nonce, claim.nonce):
        raise SubscriptionError(_USED)
    return row


def checked_cities(connection: Connection, wanted: Sequence[str]) -> tuple[str, ...]:
    """The distinct cities wanted; SubscriptionError when there is none, or one is not known."""
    distinct = tuple(dict.fromkeys(wanted))
    if not distinct:
        message = "Please choose at least one city."
        raise SubscriptionError(message)
    found = connection.scalars(
        select(known_cities.c.name).where(known_cities.c.name.in_(distinct))
    ).all()
    if len(found) != len(distinct):
        message = "Please choose from the cities in the list."
        raise SubscriptionError(message)
    return distinct


def _by_id(subscriber: UUID) -> Any:  # noqa: ANN401 - SQLAlchemy's Select of many columns
    return select(subscribers).where(subscribers.c.subscriber_id == subscriber)


def _by_address(address: str) -> Any:  # noqa: ANN401 - SQLAlchemy's Select of many columns
    return select(subscribers).where(func.lower(subscribers.c.email) == address.lower())


def _update(connection: Connection, subscriber: UUID, **values: object) -> None:
    connection.execute(
        update(subscribers).where(subscribers.c.subscriber_id == subscriber).values(**values)
    )


def _cities_of(connection: Connection, subscriber: UUID, *, pending: bool) -> tuple[str, ...]:
    found = connection.scalars(
        select(subscriber_cities.c.city)
        .where(subscriber_cities.c.subscriber_id == subscriber)
        .where(subscriber_cities.c.pending.is_(pending))
        .order_by(subscriber_cities.c.city)
    )
    return tuple(found)


def _replace_cities(
    connection: Connection, subscriber: UUID, cities: Iterable[str], *, pending: bool
) -> None:
    connection.execute(
        delete(subscriber_cities)
        .where(subscriber_cities.c.subscriber_id == subscriber)
        .where(subscriber_cities.c.pending.is_(pending))
    )
    rows = [{"subscriber_id": subscriber, "city": city, "pending": pending} for city in cities]
    if rows:
        connection.execute(insert(subscriber_cities), rows)


def _queue(
    connection: Connection, kind: str, subscriber: UUID, nonce: str, *, now: datetime
) -> None:
    recipient = select(subscribers.c.email).where(subscribers.c.subscriber_id == subscriber)
    row = {
        "kind": kind,
        "recipient": recipient.scalar_subquery(),
        "subscriber_id": subscriber,
        "payload": {"nonce": nonce},
        "unique_key": f"{kind}:{nonce}",
        "queued_at": now,
        "next_attempt_at": now,
    }
    connection.execute(upsert(mail_outbox).values(row).on_conflict_do_nothing())
