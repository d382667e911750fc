"""How mails leave: over SMTP, or into a folder; and what came of it.

MailError
├── MailConfigurationError   our own login or settings are wrong: stop, nobody is to blame
└── MailUnavailableError     the server cannot be reached: nothing was sent, try again later
"""

from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self, TypeVar

M_contra = TypeVar("M_contra", contravariant=True)
"""What a transport takes: `EmailMessage`, or what another way of delivery needs."""


class MailError(Exception):
    """No mail can be sent just now; the mail at hand was not sent."""


class MailConfigurationError(MailError):
    """Our own settings or login are refused: a person must mend them."""


class MailUnavailableError(MailError):
    """The server cannot be reached or does not talk; nothing was transmitted."""


class Outcome(StrEnum):
    """What came of one mail; the values are states of `mail_outbox` and `email_ledger`."""

    SENT = "sent"
    """The server has taken it over."""
    DEFERRED = "deferred"
    """The server says: later (4yz)."""
    FAILED = "failed"
    """The server refuses this mail for good (5yz)."""
    SUPPRESSED = "suppressed"
    """There is no such mailbox: never write to it again."""
    UNKNOWN = "unknown"
    """The connection was lost after the whole mail was sent: it may have arrived or not."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The outcome of one mail, and the server's words."""

    outcome: Outcome
    detail: str = ""
    stop: bool = False
    """Whether the server objects to us rather than to this mail, so that the run must pause."""
    retry_after: float | None = None
    """Seconds for which the server asks to be left alone."""


class Transport(Protocol[M_contra]):
    """Takes messages, one after another; a context that ends its connection."""

    def send(self, message: M_contra) -> Delivery:
        """Send one message to its one recipient; MailError where none can be sent."""

    def __enter__(self) -> Self:
        """Nothing is connected before the first mail."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the connection."""
