"""From alert events to notices that arrive: making, grouping, sending, failing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, select

from citywx.notices.deliveries import send_notice_mails, send_to_webhook
from citywx.notices.making import Made, NoticeMaker
from citywx.notices.routes import Routing
from citywx.notices.routes_file import parse_routing
from citywx.warehouse.tables import alert_notifications
from tests.support.alert_rows import NOON, alert_row, fire
from tests.support.mail import MailRoom
from tests.support.smtp import SmtpServerForTests
from tests.support.webhooks import WebhookServer

pytestmark = pytest.mark.integration
WAIT = timedelta(seconds=30)


@dataclass(slots=True)
class Notices:
    """A database with alerts, and the routes of one file."""

    room: MailRoom
    routing: Routing
    maker: NoticeMaker

    def fire(self, *rows: dict[str, object], event: str = "fired") -> None:
        with self.room.engine.begin() as connection:
            fire(connection, *rows, event=event)

    def make(self, after: timedelta = WAIT) -> Made:
        return self.maker.make(self.routing, NOON + after)

    def rows(self) -> list[Row[Any]]:
        table = alert_notifications
        with self.room.engine.connect() as connection:
            return list(connection.execute(select(table).order_by(table.c.notification_id)))


def notices(room: MailRoom, text: str, **secrets: str) -> Notices:
    return Notices(room, parse_routing(text, secrets), NoticeMaker(room.engine, "real"))


ONE_MAIL_AND_ONE_WEBHOOK = """
[[receiver]]
name = "operators"
type = "email"
to = ["operator@example.org"]

[[receiver]]
name = "hook"
type = "webhook"
url_env = "NOTICE_URL"
secret_env = "NOTICE_SECRET"

[[route]]
name = "all"
receivers = ["operators", "hook"]
"""


def test_one_event_is_one_mail_and_one_webhook(
    mail_room: MailRoom, smtp_server: SmtpServerForTests, webhook: WebhookServer
) -> None:
    room = mail_room.with_settings(smtp_url=None)
    found = notices(room, ONE_MAIL_AND_ONE_WEBHOOK, NOTICE_URL=webhook.url, NOTICE_SECRET="hush")
    found.fire(alert_row("a1"))
    assert found.make(timedelta(0)).notices == 0
    made = found.make()
    assert (made.notices, made.notifications) == (1, 2)
    assert found.make().notices == 0
    now = NOON + WAIT
    sent = send_notice_mails(room.engine, room.settings, room.home, now=now)
    assert sent == {"sent": 1}
    hooked = send_to_webhook(room.engine, room.settings, found.routing.receivers["hook"], now=now)
    assert hooked.counts == {"sent": 1}
    assert {row.state for row in found.rows()} == {"sent"}
    (request,) = webhook.received
    assert request.json["title"] == "Warning: Heat in Cairo"
