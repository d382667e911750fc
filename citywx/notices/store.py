"""What the notifier remembers in PostgreSQL: events it has seen, its groups, and what is due.

Reads and writes alone: nothing is decided here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Text,
    delete,
    distinct,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from citywx.notices.content import NoticeAlert
from citywx.notices.groups import Group, GroupKey, Groups, Member, NewsEvent
from citywx.notices.holds import Silence, Situation
from citywx.notices.routes import Routing
from citywx.warehouse.tables import (
    acknowledgements,
    alert_events,
    alert_notifications,
    alerts,
    cities,
    notice_groups,
    notifier_positions,
    silences,
    subscriber_cities,
    subscribers,
)

EVENTS_AT_ONCE = 5_000
_NOTIFIER = "notifier"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the notifier is."""

    event_no: int
    """The last event that the groups hold."""
    generation: int
    """Grows with each change of the groups, so that another notifier's is noticed."""


def lock_mark(connection: Connection) -> Mark:
    """Where the groups stand; nobody else changes them until the transaction ends."""
    table = notifier_positions
    first = {"notifier": _NOTIFIER, "event_no": 0, "generation": 0}
    connection.execute(insert(table).values(first).on_conflict_do_nothing())
    row = connection.execute(
        select(table).where(table.c.notifier == _NOTIFIER).with_for_update()
    ).one()
    return Mark(row.event_no, row.generation)


def save_mark(connection: Connection, mark: Mark) -> None:
    """Note where the groups stand, in the transaction that changes them."""
    connection.execute(
        update(notifier_positions)
        .where(notifier_positions.c.notifier == _NOTIFIER)
        .values(event_no=mark.event_no, generation=mark.generation, updated_at=func.now())
    )


def read_events(connection: Connection, after: int) -> list[NewsEvent]:
    """The next events, in their order."""
    names = NewsEvent.__dataclass_fields__
    rows = connection.execute(
        select(*(alert_events.c[name] for name in names))
        .where(alert_events.c.event_no > after)
        .order_by(alert_events.c.event_no)
        .limit(EVENTS_AT_ONCE)
    )
    return [
        NewsEvent(**{**row._mapping, "inhibited_by": tuple(row.inhibited_by)})  # noqa: SLF001 - SQLAlchemy's public name
        for row in rows
    ]


def load_groups(connection: Connection) -> dict[GroupKey, Group]:
    """All groups, as they were saved last."""
    rows = connection.execute(select(notice_groups))
    return {(row.route, row.group_key): _group(row.state) for row in rows}


def save_groups(connection: Connection, before: Groups, after: Groups) -> None:
    """Write the groups that have changed, and drop those that are gone."""
    gone = before.keys() - after.keys()
    if gone:
        key = tuple_(notice_groups.c.route, notice_groups.c.group_key)
        connection.execute(delete(notice_groups).where(key.in_(gone)))
    changed = [
        {"route": route, "group_key": key, "state": _state(group)}
        for (route, key), group in after.items()
        if before.get((route, key)) is not group
    ]
    if changed:
        statement = insert(notice_groups)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["route", "group_key"], set_={"state": statement.excluded.state}
            ),
            changed,
        )


def read_situation(
    connection: Connection, routing: Routing, groups: Groups, now: datetime
) -> Situation:
    """What matters for the groups at this moment."""
    members = [member for group in groups.values() for member in group.members.values()]
    inhibitors = {rule for member in members for rule in member.inhibited_by}
    zones = any(route.quiet for route in routing.routes)
    told = any(member.told is not None for member in members)
    return Situation(
        now=now,
        silences=_silences(connection, now),
        firing=_firing(connection, inhibitors) if inhibitors else frozenset(),
        acknowledged=_acknowledged(connection) if told else frozenset(),
        zones=_zones(connection) if zones else {},
        recent={
            route.name: count_recent(connection, route.name, now - route.limits.per)
            for route in routing.routes
        },
    )


def count_recent(connection: Connection, route: str, since: datetime) -> int:
    """How many notices a route has made since then; one to many receivers counts once."""
    table = alert_notifications
    counted = select(func.count(distinct(table.c.notice_id))).where(
        table.c.queued_at > since, table.c.route == route
    )
    return int(connection.execute(counted).scalar_one())


def read_alerts(connection: Connection, alert_ids: Iterable[str]) -> list[NoticeAlert]:
    """The alerts as they are now; one that has been deleted is missing."""
    names = [name for name in NoticeAlert.__dataclass_fields__ if name != "zone"]
    rows = connection.execute(
        select(
            *(alerts.c[name] for name in names),
            func.coalesce(cities.c.time_zone, "UTC").label("zone"),
        )
        .outerjoin_from(alerts, cities, cities.c.name == alerts.c.city)
        .where(_among(alerts.c.alert_id, alert_ids))
    )
    return [NoticeAlert(**{**row._mapping, "zone": _known(row.zone)}) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who chose alerts, and of which of some cities."""

    subscriber_id: UUID
    alerts_from: str
    """The least serious alert that is wanted."""
    cities: tuple[str, ...]


def read_subscribers(connection: Connection, of_cities: Iterable[str]) -> list[Subscriber]:
    """Those who confirmed, can be written to, and chose alerts of any of the cities."""
    who, where = subscribers, subscriber_cities
    rows = connection.execute(
        select(who.c.subscriber_id, who.c.alerts_from, func.array_agg(where.c.city))
        .join_from(who, where, where.c.subscriber_id == who.c.subscriber_id)
        .where(who.c.state == "confirmed", who.c.suppressed_reason.is_(None))
        .where(who.c.alerts_from.is_not(None), where.c.pending.is_(False))
        .where(_among(where.c.city, of_cities))
        .group_by(who.c.subscriber_id)
        .order_by(who.c.subscriber_id)
    )
    return [Subscriber(one, least, tuple(sorted(names))) for one, least, names in rows]


def insert_notifications(connection: Connection, rows: list[dict[str, object]]) -> None:
    """Queue notices for their receivers; what is queued already stays as it is."""
    if rows:
        connection.execute(insert(alert_notifications).on_conflict_do_nothing(), rows)


def _silences(connection: Connection, now: datetime) -> tuple[Silence, ...]:
    rows = connection.execute(
        select(silences.c.rule, silences.c.city, silences.c.severity).where(
            silences.c.starts_at <= now, silences.c.ends_at > now
        )
    )
    return tuple(Silence(*row) for row in rows)


def _firing(connection: Connection, rules: Iterable[str]) -> frozenset[tuple[str, str]]:
    rows = connection.execute(
        select(alerts.c.rule_id, alerts.c.city)
        .where(alerts.c.state == "firing", _among(alerts.c.rule_id, rules))
        .distinct()
    )
    return frozenset((rule, city) for rule, city in rows)


def _acknowledged(connection: Connection) -> frozenset[str]:
    """Ids of alerts that still fire."""
    rows = connection.execute(
        select(alerts.c.alert_id)
        .join(acknowledgements, acknowledgements.c.alert_id == alerts.c.alert_id)
        .where(alerts.c.state == "firing")
    )
    return frozenset(rows.scalars())


def _zones(connection: Connection) -> dict[str, str]:
    rows = connection.execute(select(cities.c.name, cities.c.time_zone))
    return {name: _known(zone) for name, zone in rows}


@lru_cache
def _known(zone: str) -> str:
    """The zone, or UTC where it is none: one wrong row must not keep all others from being told."""
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError):
        return "UTC"


def _state(group: Group) -> dict[str, object]:
    return {
        "changed_at": _written(group.changed_at),
        "told_at": _written(group.told_at),
        "members": [
            {**asdict(member), "over_at": _written(member.over_at)}
            for member in group.members.values()
        ],
    }


def _group(state: Mapping[str, Any]) -> Group:
    members = (
        Member(
            **{
                **values,
                "inhibited_by": tuple(values["inhibited_by"]),
                "over_at": _read(values["over_at"]),
            }
        )
        for values in state["members"]
    )
    return Group(
        members={member.alert_id: member for member in members},
        changed_at=_read(state["changed_at"]),
        told_at=_read(state["told_at"]),
    )


def _among(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether the column's value is one of many: they are one parameter."""
    return column == func.any(literal(list(values), ARRAY(Text)))


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
