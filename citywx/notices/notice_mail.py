"""A notice as a mail: to a subscriber who chose alerts, or to an operator's address."""

from datetime import datetime
from email.message import EmailMessage
from typing import Any

from sqlalchemy import Connection, Row, select

from citywx.home import Home
from citywx.mail.message import Letter, MailingList, build_message
from citywx.mail.render import Page, render
from citywx.mail.tokens import Purpose, Token, link
from citywx.notices.content import Content
from citywx.notices.content_json import decode
from citywx.notices.planning import NoticeKind
from citywx.notices.words import TEST, closing, facts, headline, title
from citywx.settings import Settings
from citywx.warehouse.tables import subscribers

_TO_SUBSCRIBERS = "You chose alerts for your cities on our page."
_TO_OPERATORS = "This address stands in the file of alert routes."


def compose_notice(
    connection: Connection, settings: Settings, home: Home, row: Row[Any], *, now: datetime
) -> EmailMessage | None:
    """The message of a notification; None when its subscriber wants no alerts any more."""
    content = decode(row.content)
    recipient, reason, unsubscribe = row.recipient, _TO_OPERATORS, None
    if row.subscriber_id is not None:
        recipient = _address(connection, row)
        if recipient is None:
            return None
        reason = _TO_SUBSCRIBERS
        unsubscribe = link(settings, Purpose.UNSUBSCRIBE, Token(row.subscriber_id, ""), now=now)
    page = Page(home, title(content), (), settings.public_url, unsubscribe, reason)
    text, html = render("notice", page, _values(content))
    letter = Letter(
        recipient,
        page.subject,
        text,
        html,
        key=f"notice.{row.notice_id}.{row.notification_id}",
        unsubscribe_url=unsubscribe,
        mailing_list=MailingList.WEATHER_ALERTS,
    )
    return build_message(letter, sender=settings.mail_from, date=content.made_at)


def _address(connection: Connection, row: Row[Any]) -> str | None:
    """Where a subscriber is reached, who may have left since the notice was made."""
    return connection.scalar(
        select(subscribers.c.email).where(
            subscribers.c.subscriber_id == row.subscriber_id,
            subscribers.c.state == "confirmed",
            subscribers.c.suppressed_reason.is_(None),
            subscribers.c.alerts_from.is_not(None),
        )
    )


def _values(content: Content) -> dict[str, object]:
    alerts = [
        {"headline": headline(one), "severity": one.severity, "facts": facts(one)}
        for one in content.alerts
    ]
    # What the readings are, every mail says by itself.
    warnings = [TEST] if content.kind is NoticeKind.TEST else []
    return {"alerts": alerts, "closing": closing(content), "warnings": warnings}
