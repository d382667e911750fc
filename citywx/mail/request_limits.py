"""How often confirmation mails may be asked for: nobody shall flood a stranger's mailbox.

Requests are counted in PostgreSQL, so that every dashboard process counts alike. Addresses and
clients are kept as keyed hashes, for a day.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from citywx.mail.tokens import secret_key
from citywx.settings import Settings

_HOUR = timedelta(hours=1)
_DAY = timedelta(hours=24)
_LOCK = 0x6D61696C  # "mail": requests are counted one after the other


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Requests allowed in a sliding time."""

    per_address_and_hour: int = 1
    per_address_and_day: int = 3
    per_client_and_hour: int = 10
    in_all_per_hour: int = 200


LIMITS = RequestLimits()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who a request is for, and where it came from (an IP address)."""

    address: str
    client: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say about one request."""

    address_exhausted: bool
    """Nothing may be mailed to it now; the answer must not show it."""
    refused: bool
    """Too many from this client, or in all; this may be said."""


def count_request(
    connection: Connection, settings: Settings, asker: Asker, *, now: datetime
) -> Verdict:
    """Judge a request by those before it, and count it unless it is refused.

    Holds a lock until the transaction ends, so that requests at once are counted one by one.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connection.execute(_FORGET, {"before": now - _DAY})
    hashes = {
        "address": _keyed_hash(settings, "address", asker.address.casefold()),
        "client": _keyed_hash(settings, "client", asker.client),
    }
    counted = connection.execute(_COUNT, {**hashes, "now": now, "hour_ago": now - _HOUR}).one()
    refused = (
        counted.by_client >= LIMITS.per_client_and_hour or counted.in_all >= LIMITS.in_all_per_hour
    )
    exhausted = (
        counted.for_address_in_hour >= LIMITS.per_address_and_hour
        or counted.for_address_in_day >= LIMITS.per_address_and_day
    )
    if not refused:
        mailed = {"address": ""} if exhausted else {}  # who floods shall not lock the owner out
        connection.execute(_ADD, {**hashes, **mailed, "now": now})
    return Verdict(address_exhausted=exhausted, refused=refused)


_FORGET = text("DELETE FROM subscription_requests WHERE requested_at <= :before")
_COUNT = text(
    """
    SELECT count(*) FILTER (WHERE requested_at > :hour_ago) AS in_all,
           count(*) FILTER (WHERE requested_at > :hour_ago AND client_hash = :client) AS by_client,
           count(*) FILTER (WHERE requested_at > :hour_ago AND address_hash = :address)
               AS for_address_in_hour,
           count(*) FILTER (WHERE address_hash = :address) AS for_address_in_day
    FROM subscription_requests
    """
)
_ADD = text(
    """
    INSERT INTO subscription_requests (requested_at, address_hash, client_hash)
    VALUES (:now, :address, :client)
    """
)


def _keyed_hash(settings: Settings, what: str, value: str) -> str:
    key = secret_key(settings).encode()
    return hmac.new(key, f"{what} {value}".encode(), hashlib.sha256).hexdigest()
