"""When groups speak, and what about: at first, on news, at intervals while alerts still fire.

Pure: groups and a situation give plans, and plans carried out give new groups. The limit of a route
is kept here: news beyond it waits, and leaves together in one notice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from citywx.notices.groups import Group, GroupKey, Groups, Member
from citywx.notices.holds import Hold, Situation, hold
from citywx.notices.routes import RANK, Route

_OLD = timedelta(days=1)
"""An alert that was over for so long before anything was told of it is history."""
_ENDED_UNSEEN = (Hold.SILENCED, Hold.INHIBITED)


class NoticeKind(StrEnum):
    """Why a notice is sent; the values stand in `alert_notifications.kind`."""

    NEWS = "news"
    """Alerts began, grew worse, or ended."""
    REMINDER = "reminder"
    """Alerts still fire."""
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Plan:
    """A notice that is due."""

    route: Route
    kind: NoticeKind
    told: Mapping[GroupKey, tuple[Member, ...]]
    """What it tells, of each group."""
    firing_beside: int = 0
    """Alerts of those groups that fire, and are not told again."""

    @property
    def members(self) -> tuple[Member, ...]:
        """All alerts that it tells of."""
        return tuple(member for members in self.told.values() for member in members)

    @property
    def worst(self) -> int:
        """The rank of its most serious alert."""
        return max(RANK[member.severity] for member in self.members)


def forget(route: Route, group: Group, situation: Situation) -> Group:
    """The group without alerts that nobody needs to be told of any more."""

    def ended_unseen(member: Member) -> bool:
        if member.firing or not member.has_news(route):
            return False
        unheard = member.told is None and hold(route, member, situation) in _ENDED_UNSEEN
        return unheard or situation.now - (member.over_at or situation.now) > _OLD

    kept = {
        alert_id: member
        for alert_id, member in group.members.items()
        if not member.done(route) and not ended_unseen(member)
    }
    if len(kept) == len(group.members):
        return group
    news = any(member.has_news(route) for member in kept.values())
    return replace(group, members=kept, changed_at=group.changed_at if news else None)


def plan(route: Route, groups: Groups, situation: Situation) -> list[Plan]:
    """What a route has to say now, within its limit; the most serious first."""
    due = [
        notice
        for key, group in groups.items()
        if key[0] == route.name and (notice := _due(route, key, group, situation))
    ]
    due.sort(key=lambda one: (one.kind is NoticeKind.REMINDER, -one.worst))
    return _within_limit(due, route.limits.notices - situation.recent.get(route.name, 0))


def carry_out(groups: Groups, plans: Iterable[Plan], now: datetime) -> dict[GroupKey, Group]:
    """The groups that the plans speak for, once they have spoken."""
    spoken: dict[GroupKey, Group] = {}
    for each in plans:
        for key, told in each.told.items():
            group = groups[key]
            members = {**group.members, **{one.alert_id: _as_told(one) for one in told}}
            left = any(one.has_news(each.route) for one in members.values())
            changed_at = group.changed_at if left else None
            spoken[key] = Group(members, changed_at, now)
    return spoken


def _as_told(member: Member) -> Member:
    return replace(member, told=member.severity, told_over=not member.firing)


def _due(route: Route, key: GroupKey, group: Group, situation: Situation) -> Plan | None:
    now = situation.now
    if _may_tell_news(route, group, now):
        news = tuple(member for member in group.news(route) if not hold(route, member, situation))
        if news:
            return Plan(route, NoticeKind.NEWS, {key: news}, _firing_beside(group, news))
    if not _may_remind(route, group, now):
        return None
    firing = tuple(
        member
        for member in group.members.values()
        if member.firing
        and member.told is not None
        and member.alert_id not in situation.acknowledged
        and not hold(route, member, situation)
    )
    return Plan(route, NoticeKind.REMINDER, {key: firing}) if firing else None


def _may_tell_news(route: Route, group: Group, now: datetime) -> bool:
    if group.changed_at is None or now < group.changed_at + route.group_wait:
        return False
    return group.told_at is None or now >= group.told_at + route.group_interval


def _may_remind(route: Route, group: Group, now: datetime) -> bool:
    if route.repeat_interval is None or group.told_at is None:
        return False
    return now >= group.told_at + route.repeat_interval


def _firing_beside(group: Group, told: tuple[Member, ...]) -> int:
    return sum(member.firing for member in group.members.values()) - sum(
        member.firing for member in told
    )


def _within_limit(due: list[Plan], left: int) -> list[Plan]:
    """As many plans as may be sent; the last of them holds all that are too many."""
    if len(due) <= left:
        return due
    if left <= 0:
        return []
    alone, together = due[: left - 1], due[left - 1 :]
    return [*alone, _joined(together)]


def _joined(plans: list[Plan]) -> Plan:
    told = {key: members for one in plans for key, members in one.told.items()}
    kinds = {one.kind for one in plans}
    kind = NoticeKind.REMINDER if kinds == {NoticeKind.REMINDER} else NoticeKind.NEWS
    return Plan(plans[0].route, kind, told, sum(one.firing_beside for one in plans))
