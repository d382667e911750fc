"""Posts notices to webhooks, signed, and says what came of it.

A receiver can check that a notice is ours, and when it was sent: `X-Citywx-Signature` is
`sha256=` and HMAC-SHA256 of the timestamp, a dot and the body, under the secret that it shares with
us. `X-Citywx-Delivery` is the same when a notice is sent again, so that it can be taken once.

Addresses come from the operator's file alone. No redirect is followed, since it could lead to an
address inside. No address gets into an error or a log line: it may be a secret.
"""

import hashlib
import hmac
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Self

import requests
import urllib3

from citywx.mail.transport import Delivery, Outcome
from citywx.retry_after import parse_retry_after

_CONNECT_SECONDS, _READ_SECONDS, _TOTAL_SECONDS = 5.0, 10.0, 20.0
_LONGEST_PAUSE = 3600.0
_UNREACHABLE = "the webhook cannot be reached"
_BROKEN = "the connection to the webhook broke off"
_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One notice for one webhook."""

    url: str = field(repr=False)
    body: bytes
    delivery: str
    """The same however often it is sent."""
    secret: str = field(default="", repr=False)


class WebhookTransport:
    """Sends over HTTP, each notice over a connection of its own."""

    def __init__(self, *, total_seconds: float = _TOTAL_SECONDS) -> None:
        self._total = total_seconds
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its lines hold addresses

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Every connection is closed already."""

    def send(self, message: WebhookRequest) -> Delivery:
        """Post one notice; whatever the server does, there is an answer within a fixed time."""
        answer = _within(self._total, lambda: _post(message))
        return answer or Delivery(Outcome.UNKNOWN, "no complete answer in time", stop=True)


def headers(message: WebhookRequest, now: float) -> dict[str, str]:
    """What a receiver needs to check where a notice comes from; `now` in Unix seconds."""
    said = {
        "Content-Type": "application/json",
        "User-Agent": "citywx",
        "X-Citywx-Delivery": message.delivery,
        "X-Citywx-Timestamp": str(int(now)),
    }
    if message.secret:
        said["X-Citywx-Signature"] = f"sha256={signature(message.secret, int(now), message.body)}"
    return said


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over the timestamp, a dot and the body, in hexadecimal digits.

    >>> signature("secret", 1700000000, b"{}")[:16]
    'b8569b78799ff9e3'
    """
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def classify(status: int, retry_after: float | None = None) -> Delivery:
    """What the status of an answer means for the notice.

    >>> str(classify(503).outcome), str(classify(404).outcome), str(classify(302).outcome)
    ('deferred', 'failed', 'failed')
    """
    words = f"the webhook answers {status}"
    if 200 <= status < 300:  # noqa: PLR2004 - 2xx: done
        return Delivery(Outcome.SENT, words)
    if 300 <= status < 400:  # noqa: PLR2004 - 3xx: elsewhere
        return Delivery(Outcome.FAILED, f"{words}: redirects are not followed")
    if status >= 500 or status in _TRY_AGAIN:  # noqa: PLR2004 - 5xx: its own trouble
        pause = None if retry_after is None else min(retry_after, _LONGEST_PAUSE)
        return Delivery(Outcome.DEFERRED, words, stop=True, retry_after=pause)
    return Delivery(Outcome.FAILED, words)


def _post(message: WebhookRequest) -> Delivery:
    try:
        with requests.post(
            message.url,
            data=message.body,
            headers=headers(message, time.time()),
            timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            allow_redirects=False,
            stream=True,  # the answer's body is not read
        ) as response:
            pause = parse_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
            return classify(response.status_code, pause)
    except requests.ConnectTimeout:
        return Delivery(Outcome.DEFERRED, _UNREACHABLE, stop=True)
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        return Delivery(Outcome.UNKNOWN, "the webhook does not answer in time", stop=True)
    except requests.ConnectionError as error:
        # A connection that was never made has brought nothing; one that broke may have.
        never_made = isinstance(_reason(error), urllib3.exceptions.NewConnectionError)
        outcome = Outcome.DEFERRED if never_made else Outcome.UNKNOWN
        return Delivery(outcome, _UNREACHABLE if never_made else _BROKEN, stop=True)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        return Delivery(Outcome.UNKNOWN, _BROKEN, stop=True)


def _reason(error: requests.ConnectionError) -> object:
    """What urllib3 says was the matter."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _within(seconds: float, call: Callable[[], Delivery]) -> Delivery | None:
    """The result, or None when it takes too long: the call is then left to itself."""
    results: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    threading.Thread(target=lambda: results.put(call()), name="webhook", daemon=True).start()
    try:
        return results.get(timeout=seconds)
    except queue.Empty:
        return None
