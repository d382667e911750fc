"""From events to queued notices: gather what has happened, decide what is told, write it down.

Position, groups and notices change in one transaction: a crash tells nothing twice and loses
nothing. Sending is another matter: see `deliveries`.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection, Engine

from citywx.notices.content import Content, Frame, NoticeAlert, make_content, wanted_by
from citywx.notices.content_json import encode
from citywx.notices.groups import Group, GroupKey, Groups, absorb
from citywx.notices.holds import Situation, hold
from citywx.notices.planning import NoticeKind, Plan, carry_out, forget, plan
from citywx.notices.routes import Receiver, ReceiverKind, Routing
from citywx.notices.store import (
    EVENTS_AT_ONCE,
    Mark,
    Subscriber,
    insert_notifications,
    load_groups,
    lock_mark,
    read_alerts,
    read_events,
    read_situation,
    read_subscribers,
    save_groups,
    save_mark,
)
from citywx.notices.words import title

Row = dict[str, object]


@dataclass(slots=True)
class Made:
    """What a round came to."""

    events: int = 0
    notices: int = 0
    notifications: int = 0
    """Notices times receivers."""
    held: Counter[str] = field(default_factory=Counter)
    """Alerts that are not told now, by the reason."""
    members: int = 0
    """Alerts in all groups."""
    more: bool = False
    """Whether events are left to be read."""


class NoticeMaker:
    """Keeps the groups in memory, as the database has them."""

    def __init__(self, engine: Engine, origin: str) -> None:
        """`origin`: what the readings are, "real", "simulated" or "replay"."""
        self._engine = engine
        self._origin = origin
        self._mark: Mark | None = None
        self._groups: dict[GroupKey, Group] = {}

    def make(self, routing: Routing, now: datetime) -> Made:
        """Take in the events that are new, and queue the notices that are due."""
        with self._engine.begin() as connection:
            mark = lock_mark(connection)
            groups = self._groups if mark == self._mark else load_groups(connection)
            events = read_events(connection, mark.event_no)
            after = dict(groups) | absorb(routing.routes, groups, events, now)
            made = Made(len(events), more=len(events) == EVENTS_AT_ONCE)
            if not made.more:
                after = _speak(connection, routing, after, self._frame(now), made)
            last = events[-1].event_no if events else mark.event_no
            if events or _differ(groups, after):
                save_groups(connection, groups, after)
                mark = Mark(last, mark.generation + 1)
                save_mark(connection, mark)
        self._mark, self._groups = mark, after
        made.members = sum(len(group.members) for group in after.values())
        return made

    def _frame(self, now: datetime) -> Frame:
        return Frame("", NoticeKind.NEWS, "", now, self._origin, 0)


def _speak(
    connection: Connection,
    routing: Routing,
    groups: dict[GroupKey, Group],
    frame: Frame,
    made: Made,
) -> dict[GroupKey, Group]:
    """The groups once they have said what is due; it is queued."""
    situation = read_situation(connection, routing, groups, frame.made_at)
    groups = _remembered(routing, groups, situation)
    plans = [notice for route in routing.routes for notice in plan(route, groups, situation)]
    for notice in plans:
        about = replace(
            frame,
            notice_id=notice_id(notice, groups),
            kind=notice.kind,
            route=notice.route.name,
            listed=notice.route.limits.listed,
            firing_beside=notice.firing_beside,
        )
        found = read_alerts(connection, (member.alert_id for member in notice.members))
        rows = list(notifications(connection, routing, notice, about, found))
        insert_notifications(connection, rows)
        made.notices += 1
        made.notifications += len(rows)
    groups = groups | carry_out(groups, plans, frame.made_at)
    made.held = _held(routing, groups, situation)
    return _remembered(routing, groups, situation)


def notifications(
    connection: Connection,
    routing: Routing,
    notice: Plan,
    frame: Frame,
    alerts: list[NoticeAlert],
) -> Iterator[Row]:
    """The rows of a notice: one for each receiver of its route that it concerns."""
    if not alerts:
        return
    for name in notice.route.receivers:
        receiver = routing.receivers[name]
        if receiver.kind is ReceiverKind.SUBSCRIBERS:
            yield from _for_subscribers(connection, receiver, frame, alerts)
        else:
            yield from for_operators(receiver, make_content(frame, alerts), alerts)


def for_operators(
    receiver: Receiver, content: Content, alerts: Iterable[NoticeAlert]
) -> Iterator[Row]:
    """The rows of a receiver that the operator has set up, which gets all of a notice."""
    ids = [alert.alert_id for alert in alerts]
    for recipient in receiver.addresses or (None,):
        yield _row(receiver, content, ids, recipient or "") | {"recipient": recipient}


def _for_subscribers(
    connection: Connection, receiver: Receiver, frame: Frame, alerts: list[NoticeAlert]
) -> Iterator[Row]:
    by_city: dict[str, list[NoticeAlert]] = defaultdict(list)
    for alert in alerts:
        by_city[alert.city].append(alert)
    for subscriber in read_subscribers(connection, by_city):
        wanted = wanted_by(by_city, subscriber.cities, subscriber.alerts_from)
        if wanted:
            yield _for_subscriber(receiver, subscriber, frame, wanted)


def _for_subscriber(
    receiver: Receiver, subscriber: Subscriber, frame: Frame, wanted: list[NoticeAlert]
) -> Row:
    # What goes on beside may be in cities that the subscriber did not choose.
    content = make_content(replace(frame, firing_beside=0), wanted)
    ids = [alert.alert_id for alert in wanted]
    row = _row(receiver, content, ids, str(subscriber.subscriber_id))
    return row | {"subscriber_id": subscriber.subscriber_id}


def _row(receiver: Receiver, content: Content, alert_ids: list[str], whom: str) -> Row:
    return {
        "unique_key": f"{content.notice_id}:{receiver.name}:{whom}",
        "notice_id": content.notice_id,
        "route": content.route,
        "kind": content.kind.value,
        "severity": content.severity,
        "channel": receiver.kind.channel.value,
        "receiver": receiver.name,
        "title": title(content),
        "recipient": None,
        "subscriber_id": None,
        "alert_ids": alert_ids,
        "content": encode(content),
        "queued_at": content.made_at,
        "next_attempt_at": content.made_at,
    }


def notice_id(notice: Plan, groups: Groups) -> str:
    """The same for the same news: what is told of which alerts, and after which notice."""
    told = sorted(f"{one.alert_id} {one.severity} {one.over_at}" for one in notice.members)
    before = sorted(f"{key} {groups[key].told_at}" for key in notice.told)
    text = "\n".join(chain((notice.route.name, notice.kind), told, before))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _remembered(
    routing: Routing, groups: dict[GroupKey, Group], situation: Situation
) -> dict[GroupKey, Group]:
    """The groups without what need not be told any more, and without routes that are gone."""
    kept = {}
    for key, group in groups.items():
        route = routing.route(key[0])
        if route is None:
            continue
        left = forget(route, group, situation)
        if not left.over(route, situation.now):
            kept[key] = left
    return kept


def _held(routing: Routing, groups: Groups, situation: Situation) -> Counter[str]:
    held = Counter[str]()
    for (name, _), group in groups.items():
        route = routing.route(name)
        if route is not None:
            reasons = (hold(route, member, situation) for member in group.news(route))
            held.update(reason.value for reason in reasons if reason)
    return held


def _differ(one: Groups, other: Groups) -> bool:
    return one.keys() != other.keys() or any(one[key] is not other[key] for key in one)
