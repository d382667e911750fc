"""Mails to the person who runs citywx (ALERT_EMAIL)."""

import hashlib
from datetime import UTC, datetime

from citywx.home import Home
from citywx.mail.delivery import transport_for
from citywx.mail.message import HeaderError, Letter, build_message
from citywx.mail.render import Page, render
from citywx.mail.transport import Delivery, MailConfigurationError
from citywx.settings import Settings

_LONGEST_BODY = 20_000
_LONGEST_SUBJECT = 150


def send_operator_mail(
    settings: Settings, home: Home, subject: str, body: str, *, now: datetime | None = None
) -> Delivery | None:
    """Mail `body` to ALERT_EMAIL at once; None when nobody is set.

    Control characters in the subject become spaces: it may quote a run's or an asset's name. Raises
    MailError when no mail can be sent.
    """
    if settings.alert_email is None:
        return None
    now = now or datetime.now(UTC)
    title = "".join(c if c.isprintable() else " " for c in subject)[:_LONGEST_SUBJECT]
    page = Page(home, f"citywx: {title}", (), message=body[:_LONGEST_BODY])
    text, html = render("operator", page)
    digest = hashlib.sha256(f"{title}\n{body}".encode()).hexdigest()[:16]
    key = f"operator.{now:%Y%m%dT%H%M%S}.{digest}"
    letter = Letter(settings.alert_email, page.subject, text, html, key)
    try:
        message = build_message(letter, sender=settings.mail_from, date=now)
    except HeaderError:
        reason = "ALERT_EMAIL is not one mail address"
        raise MailConfigurationError(reason) from None
    with transport_for(settings, home) as transport:
        return transport.send(message)
