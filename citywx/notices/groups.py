"""Alerts that are told of together: how events change a group, and what a group has not told yet.

Pure: a group and an event give a new group. When a group speaks belongs in `planning`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from citywx.notices.routes import RANK, Route


@dataclass(frozen=True, slots=True)
class NewsEvent:
    """An event of an alert, as far as it matters here."""

    event_no: int
    alert_id: str
    event: str
    rule_id: str
    city: str
    severity: str
    observed_at: datetime
    notify: bool
    inhibited_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """An alert in a group, as its receivers should know it and as they do."""

    alert_id: str
    rule_id: str
    city: str
    severity: str
    """The greatest that it has had: a lesser one is no news."""
    inhibited_by: tuple[str, ...] = ()
    over_at: datetime | None = None
    """When it was resolved; None while it fires."""
    told: str | None = None
    """The severity that was told; None: nothing was."""
    told_over: bool = False

    @property
    def firing(self) -> bool:
        """Whether it is not over."""
        return self.over_at is None

    def has_news(self, route: Route) -> bool:
        """Whether there is something to tell that was not told."""
        if self.told is None:
            return True
        if not self.firing:
            return route.resolved and not self.told_over
        return RANK[self.severity] > RANK[self.told]

    def done(self, route: Route) -> bool:
        """Whether there is nothing to tell any more, now or later."""
        return not self.firing and not self.has_news(route)


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts of one route that share what the route groups by."""

    members: Mapping[str, Member] = field(default_factory=dict)
    """By alert id."""
    changed_at: datetime | None = None
    """When the first news came that was not told; None: there is none."""
    told_at: datetime | None = None
    """When it last spoke."""

    def over(self, route: Route, now: datetime) -> bool:
        """Whether it can be forgotten: what comes next needs not wait for what was told last."""
        waits = self.told_at is not None and now < self.told_at + route.group_interval
        return not self.members and not waits

    def news(self, route: Route) -> list[Member]:
        """The members that have something to tell."""
        return [member for member in self.members.values() if member.has_news(route)]


GroupKey = tuple[str, str]
"""Route name, and what the route groups by."""
Groups = Mapping[GroupKey, Group]
_Members = Mapping[str, Member]


def absorb(
    routes: Iterable[Route], groups: Groups, events: Iterable[NewsEvent], now: datetime
) -> dict[GroupKey, Group]:
    """The groups that the events change, as they are after them; `events` in their order."""
    drafts: dict[GroupKey, dict[str, Member]] = {}
    routes = tuple(routes)

    def members(key: GroupKey) -> _Members:
        return drafts[key] if key in drafts else groups.get(key, _EMPTY).members

    for event in events:
        for route in routes:
            key = _place(route, event, members)
            member = _changed(route, event, members(key).get(event.alert_id))
            if member is not None:
                drafts.setdefault(key, dict(members(key)))[member.alert_id] = member
    return {key: _news(groups.get(key, _EMPTY), draft, now) for key, draft in drafts.items()}


def _place(route: Route, event: NewsEvent, members: Callable[[GroupKey], _Members]) -> GroupKey:
    """Where the alert is, also when its severity, which may be part of the key, has changed."""
    for severity in (event.severity, *RANK):
        key = (route.name, route.group_key(event.rule_id, event.city, severity))
        if event.alert_id in members(key):
            return key
    return (route.name, route.group_key(event.rule_id, event.city, event.severity))


def _changed(route: Route, event: NewsEvent, known: Member | None) -> Member | None:
    """The member after the event; None when it changes nothing."""
    if event.event == "resolved":
        over = known is not None and known.firing
        return replace(known, over_at=event.observed_at) if known is not None and over else None
    if event.event not in _BEGINNINGS or not event.notify:
        return None
    if known is not None:
        worse = RANK[event.severity] > RANK[known.severity]
        return replace(known, severity=event.severity) if worse else None
    if not route.takes(event.rule_id, event.city, event.severity):
        return None
    return Member(event.alert_id, event.rule_id, event.city, event.severity, event.inhibited_by)


def _news(group: Group, members: _Members, now: datetime) -> Group:
    return replace(group, members=members, changed_at=group.changed_at or now)


_EMPTY = Group()
_BEGINNINGS = ("fired", "escalated")
