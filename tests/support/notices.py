"""Notices in a test's database: events go in, rows and deliveries come out."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select

from citywx.notices.deliveries import Sent, send_notice_mails, send_to_webhook
from citywx.notices.making import Made, NoticeMaker
from citywx.notices.routes import Routing
from citywx.notices.routes_file import parse_routing
from citywx.warehouse.tables import alert_notifications
from tests.support.alert_rows import NOON, fire, resolve
from tests.support.mail import MailRoom

WAIT = timedelta(seconds=30)
"""A route's usual group_wait."""

TO_OPERATORS = """
[[receiver]]
name = "operators"
type = "email"
to = ["operator@example.org"]

[[route]]
name = "mail"
receivers = ["operators"]
"""

TO_SUBSCRIBERS = """
[[receiver]]
name = "subscribers"
type = "subscribers"

[[route]]
name = "subscribers"
receivers = ["subscribers"]
"""


def to_webhook(url: str, more: str = "", route: str = "") -> str:
    """A file with one webhook, signed with the secret NOTICE_KEY."""
    return f"""
[[receiver]]
name = "hook"
type = "webhook"
url = "{url}"
{more}

[[route]]
name = "hook"
receivers = ["hook"]
{route}
"""


@dataclass(slots=True)
class Notices:
    """A database with alerts, and the routes of one file."""

    room: MailRoom
    text: str
    routing: Routing = field(init=False)
    maker: NoticeMaker = field(init=False)

    def __post_init__(self) -> None:
        self.routing = parse_routing(self.text, {"NOTICE_KEY": "hush"})
        self.restart()

    def restart(self) -> None:
        """Forget what is in memory, as a new process does."""
        self.maker = NoticeMaker(self.room.engine, "real")

    def fire(self, *rows: dict[str, object], event: str = "fired") -> None:
        with self.room.engine.begin() as connection:
            fire(connection, *rows, event=event)

    def resolve(self, at: datetime, *rows: dict[str, object]) -> None:
        with self.room.engine.begin() as connection:
            resolve(connection, at, *rows)

    def make(self, after: timedelta = WAIT) -> Made:
        """Take in what has happened, and a group_wait later make its notices."""
        self.look(after - WAIT)
        return self.look(after)

    def look(self, after: timedelta) -> Made:
        """One round."""
        return self.maker.make(self.routing, NOON + after)

    def mail(self, after: timedelta = WAIT) -> dict[str, int]:
        room = self.room
        sent = send_notice_mails(room.engine, room.settings, room.home, now=NOON + after)
        return dict(sent)

    def post(self, after: timedelta = WAIT) -> Sent:
        hook = self.routing.receivers["hook"]
        return send_to_webhook(self.room.engine, self.room.settings, hook, now=NOON + after)

    def rows(self) -> list[Row[Any]]:
        table = alert_notifications
        with self.room.engine.connect() as connection:
            return list(connection.execute(select(table).order_by(table.c.notification_id)))

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]
