"""From the words of a mail to a message with every header that mail servers expect.

What a mail says is written in `citywx.mail.render`; how it leaves, in `citywx.mail.transport`.
"""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime
from enum import StrEnum

from citywx.mail.transport import MailConfigurationError


class _OneLineHeader(UnstructuredHeader):
    """A header that is never folded: the fold would encode a long link, which no server undoes."""

    name: str

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("list-unsubscribe", "message-id"):
    _HEADERS.map_to_type(_name, _OneLineHeader)  # type: ignore[arg-type]  # a mix-in of BaseHeader
_POLICY = SMTP.clone(header_factory=_HEADERS)
_FORBIDDEN_SEPARATORS = "\u2028\u2029\x85"


class HeaderError(ValueError):
    """A header's value would break out of its line, or is no address."""


class MailingList(StrEnum):
    """The lists of mails that come again and again; the value is the list's name for people."""

    DAILY_SUMMARY = "Daily weather summary"
    WEATHER_ALERTS = "Weather alerts"

    @property
    def label(self) -> str:
        """Its name in a List-ID."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, before it has headers."""

    recipient: str
    subject: str
    text: str
    """Complete on its own."""
    html: str
    key: str
    """Makes the Message-ID: the same mail, made again, has the same one."""
    unsubscribe_url: str | None = None
    """Given for the mails of a list; they get the list headers and one-click unsubscribing."""
    mailing_list: MailingList = MailingList.DAILY_SUMMARY


def build_message(letter: Letter, *, sender: str, date: datetime) -> EmailMessage:
    """Build the message: text first, HTML as its alternative, all of it in 7-bit lines.

    `sender` is like `citywx <citywx@example.org>`. Raises HeaderError when a value holds a line end
    or another control character, or when the recipient is
    no address; MailConfigurationError when the sender is none.
    """
    origin = _origin(sender)
    message = EmailMessage(policy=_POLICY)
    headers = {
        "From": origin,
        "To": _address(letter.recipient),
        "Subject": _one_line("Subject", letter.subject),
        "Date": format_datetime(date),
        "Message-ID": message_id(letter.key, sender),
        "Auto-Submitted": "auto-generated",
        **_list_headers(letter, origin),
    }
    for name, value in headers.items():
        message[name] = value
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return message


def message_id(key: str, sender: str) -> str:
    """The Message-ID of the mail with this key, at the sender's domain.

    >>> message_id("welcome.7", "citywx <citywx@example.org>")
    '<welcome.7@example.org>'
    """
    return f"<{_one_line('Message-ID', key)}@{_origin(sender).domain}>"


def _list_headers(letter: Letter, origin: Address) -> dict[str, str]:
    """RFC 2919, RFC 2369 and RFC 8058, for mails that come again and again."""
    if letter.unsubscribe_url is None:
        return {}
    mailing_list = letter.mailing_list
    return {
        "List-ID": f"{mailing_list} <{mailing_list.label}.citywx.{origin.domain}>",
        "List-Unsubscribe": f"<{_one_line('List-Unsubscribe', letter.unsubscribe_url)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def _origin(sender: str) -> Address:
    try:
        return _address(sender)
    except HeaderError:
        message = "MAIL_FROM is not one mail address, like `citywx <citywx@example.org>`"
        raise MailConfigurationError(message) from None


def _address(text: str) -> Address:
    header = SMTP.header_factory("To", _one_line("address", text))
    addresses: tuple[Address, ...] = header.addresses
    if len(addresses) != 1 or header.defects or not addresses[0].domain:
        message = "not one mail address"
        raise HeaderError(message)
    return addresses[0]


def _one_line(name: str, value: str) -> str:
    if any(not c.isprintable() or c in _FORBIDDEN_SEPARATORS for c in value):
        message = f"{name} holds a line end or another control character"
        raise HeaderError(message)
    return value
