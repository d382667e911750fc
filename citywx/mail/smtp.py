"""Sending over SMTP, step by step, so that it is known how far a mail got.

`smtplib.SMTP.sendmail` cannot tell a connection that broke before the message from one that broke
after it; here each command is given on its own.
"""

import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from citywx.mail.transport import (
    Delivery,
    MailConfigurationError,
    MailUnavailableError,
    Outcome,
)

_SECONDS = 30.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_START_INPUT = 354
_CLOSING = 421
_NO_LOGIN = 535
_NO_SUCH_USER_CODES = frozenset({550, 551, 553})
_ENHANCED = re.compile(rb"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")
_DOT_AT_START = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to deliver."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read an SMTP_URL; user and password are percent-decoded.

        Raises MailConfigurationError, without the URL in it, when it is malformed, or when it would
        send a password in the clear to another machine.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS[parts.scheme]
        except (ValueError, KeyError):
            message = "SMTP_URL must be smtp://, smtp+starttls:// or smtps://user:password@host"
            raise MailConfigurationError(message) from None
        if not parts.hostname:
            message = "SMTP_URL names no host"
            raise MailConfigurationError(message)
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        if user and parts.scheme == "smtp" and parts.hostname not in _LOOPBACK:
            message = (
                "SMTP_URL would send the password unprotected: use smtp+starttls:// or smtps://"
            )
            raise MailConfigurationError(message)
        return cls(parts.scheme, parts.hostname, port, user, password)


class SmtpTransport:
    """One connection, opened for the first mail and kept for the next ones."""

    def __init__(self, server: SmtpServer, *, timeout: float = _SECONDS) -> None:
        self._server = server
        self._timeout = timeout
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(smtplib.SMTPException, OSError):  # the mails are settled already
                smtp.quit()
            smtp.close()

    def send(self, message: EmailMessage) -> Delivery:
        """Send one message; see `Transport.send`."""
        sender = message["From"].addresses[0].addr_spec
        recipient = message["To"].addresses[0].addr_spec
        content = _DOT_AT_START.sub(b"..", message.as_bytes())
        smtp = self._connected()
        try:
            refusal = self._envelope(smtp, sender, recipient)
            if refusal is not None:
                return refusal
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            message_text = f"{self._server.host} broke off before the mail: {_reason(error)}"
            raise MailUnavailableError(message_text) from None
        return self._content(smtp, content)

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None and self._alive(self._smtp):
            return self._smtp
        try:
            self._smtp = self._connect()
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as error:
            message = f"{self._server.host} refuses our login or its protection: {_reason(error)}"
            raise MailConfigurationError(message) from None
        except ssl.SSLCertVerificationError as error:
            message = f"the certificate of {self._server.host} is not valid: {error.verify_message}"
            raise MailConfigurationError(message) from None
        except (smtplib.SMTPException, OSError) as error:
            message = f"{self._server.host} cannot be reached: {_reason(error)}"
            raise MailUnavailableError(message) from None
        return self._smtp

    def _alive(self, smtp: smtplib.SMTP) -> bool:
        """Whether a kept connection still answers; it is reset for the next mail by that."""
        try:
            code, _ = smtp.rset()
        except (smtplib.SMTPException, OSError):
            code = 0
        if code // 100 != 2:  # noqa: PLR2004 - 2yz: done
            self._drop()
            return False
        return True

    def _connect(self) -> smtplib.SMTP:
        server, context = self._server, ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout, context=context
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            smtp.ehlo()
            if server.scheme == "smtp+starttls":
                smtp.starttls(context=context)
                smtp.ehlo()
            self._log_in(smtp)
        except (smtplib.SMTPException, OSError):
            smtp.close()
            raise
        return smtp

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if self._server.user is None:
            return
        try:
            smtp.login(self._server.user, self._server.password or "")
        except smtplib.SMTPServerDisconnected:  # some hang up instead of answering a wrong one
            message = "the server hangs up at our login"
            raise smtplib.SMTPAuthenticationError(_NO_LOGIN, message) from None

    def _envelope(self, smtp: smtplib.SMTP, sender: str, recipient: str) -> Delivery | None:
        """MAIL, RCPT and DATA; a Delivery when one of them is refused."""
        code, answer = smtp.mail(sender)
        if code // 100 == 5:  # noqa: PLR2004 - 5yz: for good
            message = f"{self._server.host} does not let us send from {sender}: {code}"
            raise MailConfigurationError(message)
        if code // 100 != 2:  # noqa: PLR2004 - 2yz: done
            return self._refused(code, answer)
        code, answer = smtp.rcpt(recipient)
        if code // 100 != 2:  # noqa: PLR2004 - 2yz: done
            return self._refused(code, answer, about_recipient=True)
        code, answer = smtp.docmd("DATA")
        return None if code == _START_INPUT else self._refused(code, answer)

    def _content(self, smtp: smtplib.SMTP, content: bytes) -> Delivery:
        """The mail itself: from here on a lost connection leaves its fate unknown."""
        try:
            smtp.send(content + b".\r\n")
            code, answer = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Delivery(Outcome.UNKNOWN, f"no answer after the mail: {_reason(error)}")
        if code // 100 == 2:  # noqa: PLR2004 - 2yz: done
            return Delivery(Outcome.SENT, _words(code, answer))
        return self._refused(code, answer)

    def _refused(self, code: int, answer: bytes, *, about_recipient: bool = False) -> Delivery:
        if code == _CLOSING:
            self._drop()
        return classify(code, answer, about_recipient=about_recipient)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def classify(code: int, answer: bytes, *, about_recipient: bool) -> Delivery:
    """What a refusal means (RFC 5321 §4.2.1, RFC 3463).

    >>> str(classify(450, b"4.7.1 greylisted", about_recipient=True).outcome)
    'deferred'
    >>> str(classify(550, b"5.1.1 no such user", about_recipient=True).outcome)
    'suppressed'
    >>> classify(554, b"5.7.1 blocked", about_recipient=False).stop
    True
    """
    words = _words(code, answer)
    if code // 100 != 5:  # noqa: PLR2004 - 5yz: for good
        return Delivery(Outcome.DEFERRED, words, stop=code == _CLOSING)
    enhanced = _ENHANCED.match(answer)
    subject = int(enhanced[2]) if enhanced else None
    if subject == 7:  # noqa: PLR2004 - x.7.z: policy
        return Delivery(Outcome.FAILED, words, stop=True)
    if subject == 1 or (subject is None and about_recipient and code in _NO_SUCH_USER_CODES):
        return Delivery(Outcome.SUPPRESSED, words)
    return Delivery(Outcome.FAILED, words)


def _words(code: int, answer: bytes) -> str:
    text = answer.decode("ascii", "replace")
    return f"{code} {' '.join(text.split())}"[:300]


def _reason(error: Exception) -> str:
    """An error in words, without what smtplib adds to it (it may hold what was sent)."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"code {error.smtp_code}"
    return type(error).__name__ if isinstance(error, smtplib.SMTPException) else str(error)
