"""The daily summary: one mail to each confirmed subscriber and local day, never two.

`email_ledger` has one row a subscriber and local day (in TIMEZONE, by the wall clock); whoever
sends claims the row first. What the mail says follows the data's clock: in a replay, that of its
latest readings.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, Row, and_, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from citywx.home import Home, HomeKind
from citywx.mail.city_news import CityNews, daily_news, load_city
from citywx.mail.delivery import transport_for
from citywx.mail.message import Letter, build_message, message_id
from citywx.mail.outbox import suppress_if_told
from citywx.mail.queue import LEDGER
from citywx.mail.render import Page, render
from citywx.mail.sending import Compose, Sending, send_due
from citywx.mail.tokens import Purpose, Token, link
from citywx.mail.transport import MailError
from citywx.settings import Settings
from citywx.warehouse.tables import email_ledger, subscriber_cities, subscribers

KIND = "daily_summary"
_LEFT_BEHIND = timedelta(minutes=10)
_MISSED = "the day was over before it could be sent"


@dataclass(frozen=True, slots=True)
class SummaryRun:
    """What came of one run."""

    local_date: date
    subscribers: int
    """Confirmed subscribers that the ledger has a row for today."""
    sent: int
    """Mails that this run sent."""
    states: dict[str, int]
    """All of today's rows by state, those of other runs too."""
    problem: str | None = None
    """Why the run ended early; what is queued is sent later."""


def send_daily_summaries(
    engine: Engine, settings: Settings, home: Home, *, now: datetime
) -> SummaryRun:
    """Queue today's summary for every confirmed subscriber who has none yet, and send what is due.

    May run twice, or at once: a row is sent by one run only.
    """
    today = local_date(settings, now)
    counts, problem = Counter[str](), None
    try:
        with engine.begin() as connection:
            _close_past_days(connection, today)
            _queue_today(connection, settings, today, now)
        counts = _send(engine, settings, home, today, now)
    except (MailError, OSError) as error:
        problem = str(error)
    with engine.connect() as connection:
        states = _states(connection, today)
    return SummaryRun(today, sum(states.values()), counts["sent"], states, problem)


def send_left_behind(
    engine: Engine,
    settings: Settings,
    home: Home,
    *,
    now: datetime,
    stopping: Callable[[], bool] = lambda: False,
) -> Counter[str]:
    """Send today's summaries that were deferred, or that a run which ended early left in the queue.

    Raises MailError as `citywx.mail.sending.send_due` does.
    """
    today = local_date(settings, now)
    with engine.begin() as connection:
        _close_past_days(connection, today)
    return _send(
        engine, settings, home, today, now, queued_before=now - _LEFT_BEHIND, stopping=stopping
    )


def local_date(settings: Settings, now: datetime) -> date:
    """The day that a summary is for: by the wall clock, in TIMEZONE."""
    return now.astimezone(ZoneInfo(settings.timezone)).date()


def _send(  # noqa: PLR0913 - the last two are options of the notifier's
    engine: Engine,
    settings: Settings,
    home: Home,
    today: date,
    now: datetime,
    *,
    queued_before: datetime | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Counter[str]:
    ours = and_(email_ledger.c.kind == KIND, email_ledger.c.local_date == today)
    if queued_before is not None:
        ours = and_(
            ours,
            or_(email_ledger.c.state == "deferred", email_ledger.c.queued_at < queued_before),
        )
    sending = Sending(
        LEDGER,
        _composer(settings, home, now),
        transport_for(settings, home),
        where=(ours,),
        stopping=stopping,
        settled=suppress_if_told,
        per_second=settings.mails_per_second,
    )
    return send_due(engine, sending, now=now)


def _composer(settings: Settings, home: Home, now: datetime) -> Compose[EmailMessage]:
    """Composes the rows of one run; looks each city up once."""
    news: dict[str, CityNews] = {}
    clock = None if home.kind is HomeKind.REPLAY else now

    def of_city(connection: Connection, name: str) -> CityNews:
        if name not in news:
            news[name] = daily_news(connection, load_city(connection, name), now=clock)
        return news[name]

    def compose(connection: Connection, row: Row[Any]) -> EmailMessage | None:
        subscriber = connection.execute(_wanting(row)).one_or_none()
        if subscriber is None:
            return None
        cities = [of_city(connection, name) for name in subscriber.cities]
        return compose_summary(settings, home, row, subscriber.email, cities, now=now)

    return compose


def compose_summary(  # noqa: PLR0913 - all that a mail is made of
    settings: Settings,
    home: Home,
    row: Row[Any],
    recipient: str,
    cities: list[CityNews],
    *,
    now: datetime,
) -> EmailMessage:
    """The message of one ledger row."""
    unsubscribe = link(settings, Purpose.UNSUBSCRIBE, Token(row.subscriber_id, ""), now=now)
    subject = f"{_subject(cities)} · {row.local_date:%a %d %b}"
    page = Page(home, subject, cities, settings.public_url, unsubscribe)
    text, html = render(KIND, page)
    letter = Letter(
        recipient, subject, text, html, _key(row.subscriber_id, row.local_date), unsubscribe
    )
    return build_message(letter, sender=settings.mail_from, date=now)


def _subject(cities: list[CityNews]) -> str:
    """The first city with its headline: the mail at a glance, in the list of mails."""
    first, more = cities[0], len(cities) - 1
    headline = first.windows[0].headline if first.windows else "no readings"
    return f"{first.name}: {headline}" + (f" (and {more} more)" if more else "")


def _wanting(row: Row[Any]) -> Any:  # noqa: ANN401 - SQLAlchemy's Select of two columns
    """The subscriber of a ledger row, if he still wants mails and has cities."""
    city = subscriber_cities.c.city
    cities = func.array_agg(aggregate_order_by(city, city))
    return (
        select(subscribers.c.email, cities.label("cities"))
        .join(subscriber_cities)
        .where(subscribers.c.subscriber_id == row.subscriber_id, _wants_mail())
        .group_by(subscribers.c.email)
    )


def _wants_mail() -> Any:  # noqa: ANN401 - an SQL condition
    return and_(
        subscribers.c.state == "confirmed",
        subscribers.c.suppressed_reason.is_(None),
        subscriber_cities.c.pending.is_(False),
    )


def _queue_today(connection: Connection, settings: Settings, today: date, now: datetime) -> None:
    wanting = connection.scalars(
        select(subscribers.c.subscriber_id).distinct().join(subscriber_cities).where(_wants_mail())
    ).all()
    rows = [
        {
            "subscriber_id": subscriber,
            "kind": KIND,
            "local_date": today,
            "state": "queued",
            "message_id": message_id(_key(subscriber, today), settings.mail_from),
            "queued_at": now,
            "next_attempt_at": now,
        }
        for subscriber in wanting
    ]
    if rows:
        connection.execute(insert(email_ledger).on_conflict_do_nothing(), rows)


def _key(subscriber: object, day: date) -> str:
    return f"{KIND}.{day}.{subscriber}"


def _close_past_days(connection: Connection, today: date) -> None:
    """A summary of yesterday is no news: what was not sent on its day has been missed."""
    connection.execute(
        update(email_ledger)
        .where(email_ledger.c.kind == KIND, email_ledger.c.local_date < today)
        .where(email_ledger.c.state.in_(("queued", "deferred")))
        .values(state="failed", last_error=func.concat_ws(": ", _MISSED, email_ledger.c.last_error))
    )


def _states(connection: Connection, today: date) -> dict[str, int]:
    rows = connection.execute(
        select(email_ledger.c.state, func.count(literal(1)))
        .where(email_ledger.c.kind == KIND, email_ledger.c.local_date == today)
        .group_by(email_ledger.c.state)
    )
    return {state: count for state, count in rows}  # noqa: C416 - typed rows do not make a dict
