"""From events to queued notices: gather what has happened, decide what is told, write it down.

Position, groups and notices change in one transaction: a crash tells nothing twice and loses
nothing. Sending is another matter: see `deliveries`.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine

from citywx.notices.content import Frame
from citywx.notices.groups import Group, GroupKey, Groups, absorb
from citywx.notices.holds import Situation, hold
from citywx.notices.notifications import notifications
from citywx.notices.planning import Plan, carry_out, forget, plan
from citywx.notices.routes import Routing
from citywx.notices.store import (
    EVENTS_AT_ONCE,
    Mark,
    insert_notifications,
    load_groups,
    lock_mark,
    read_alerts,
    read_events,
    read_situation,
    save_groups,
    save_mark,
)


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
    """Whether events are left to be read; nothing is told before they are."""


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
            before = self._groups if mark == self._mark else load_groups(connection)
            events = read_events(connection, mark.event_no)
            made = Made(len(events), more=len(events) == EVENTS_AT_ONCE)
            groups = before | absorb(routing.routes, before, events, now)
            if not made.more:
                situation = read_situation(connection, routing, groups, now)
                groups = self._speak(connection, routing, groups, situation, made)
            if events or _differ(before, groups):
                last = events[-1].event_no if events else mark.event_no
                mark = Mark(last, mark.generation + 1)
                save_groups(connection, before, groups)
                save_mark(connection, mark)
        self._mark, self._groups = mark, groups
        made.members = sum(len(group.members) for group in groups.values())
        return made

    def _speak(
        self,
        connection: Connection,
        routing: Routing,
        groups: dict[GroupKey, Group],
        situation: Situation,
        made: Made,
    ) -> dict[GroupKey, Group]:
        """Queue what is due; the groups once it is told."""
        groups = _remembered(routing, groups, situation)
        plans = [notice for route in routing.routes for notice in plan(route, groups, situation)]
        for notice in plans:
            alerts = read_alerts(connection, (member.alert_id for member in notice.members))
            frame = self._frame(notice, groups, situation.now)
            receivers = [routing.receivers[name] for name in notice.route.receivers]
            rows = list(notifications(connection, receivers, frame, alerts))
            insert_notifications(connection, rows)
            made.notices += bool(rows)
            made.notifications += len(rows)
        groups = groups | carry_out(groups, plans, situation.now)
        made.held = _held(routing, groups, situation)
        return _remembered(routing, groups, situation)

    def _frame(self, notice: Plan, groups: Groups, now: datetime) -> Frame:
        return Frame(
            notice_id=notice_id(notice, groups),
            kind=notice.kind,
            route=notice.route.name,
            made_at=now,
            origin=self._origin,
            listed=notice.route.limits.listed,
            firing_beside=notice.firing_beside,
        )


def notice_id(notice: Plan, groups: Groups) -> str:
    """The same for the same news: what is told of which alerts, and after which notice."""
    told = sorted(f"{one.alert_id} {one.severity} {one.over_at}" for one in notice.members)
    before = sorted(f"{key} {groups[key].told_at}" for key in notice.told)
    text = "\n".join((notice.route.name, notice.kind, *told, *before))
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
