"""The signed tokens in the links of mails.

A token says who it is for and what it is good for; it is signed with SECRET_KEY and salted with
its purpose, so that one made for unsubscribing never confirms. Whether it was used before is
known to the database alone (`subscribers.token_nonce`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer

from citywx.settings import Settings

CONFIRM_WITHIN = timedelta(hours=48)
_LONGEST = 500


class Purpose(StrEnum):
    """What a token is good for; the value is the path of its page and the salt of its key."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"


class TokenError(ValueError):
    """A token is forged, damaged, expired or for something else; the message is for people."""


class SecretKeyMissingError(Exception):
    """SECRET_KEY is not set, so no link can be signed."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a valid token says."""

    subscriber_id: UUID
    nonce: str
    """Single use: must equal the subscriber's nonce; empty in links that never expire."""


def sign(settings: Settings, purpose: Purpose, token: Token, *, now: datetime) -> str:
    """The text of a token, safe in URLs."""
    content = [token.subscriber_id.hex, token.nonce, int(now.timestamp())]
    return str(_serializer(settings, purpose).dumps(content))


def read(settings: Settings, purpose: Purpose, text: str, *, now: datetime) -> Token:
    """Check a token's signature, purpose and age; TokenError when anything is wrong."""
    if len(text) > _LONGEST:
        message = "This link is damaged."
        raise TokenError(message)
    try:
        content: list[Any] = _serializer(settings, purpose).loads(text)
    except BadSignature:
        message = "This link is not valid. Perhaps it was cut in two: copy the whole of it."
        raise TokenError(message) from None
    subscriber, nonce, issued = content
    age = now - datetime.fromtimestamp(issued, UTC)
    if purpose is Purpose.CONFIRM and age > CONFIRM_WITHIN:
        message = "This link has expired. Subscribe again to get a new one."
        raise TokenError(message)
    return Token(UUID(subscriber), nonce)


def link(settings: Settings, purpose: Purpose, token: Token, *, now: datetime) -> str:
    """The address, below PUBLIC_URL, of the page that asks for and takes the click."""
    query = urlencode({"token": sign(settings, purpose, token, now=now)})
    return f"{settings.public_url.rstrip('/')}/{purpose}?{query}"


def secret_key(settings: Settings) -> str:
    """SECRET_KEY, or SecretKeyMissingError."""
    if settings.secret_key is None:
        message = "SECRET_KEY is not set: start the pipeline with `make up`, or set it"
        raise SecretKeyMissingError(message)
    return settings.secret_key.get_secret_value()


def _serializer(settings: Settings, purpose: Purpose) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key(settings), salt=f"citywx {purpose}")
