"""What a notice says, as data: it stands in `alert_notifications.content`.

Made when the notice is planned, so that a late delivery tells what was so then. The words and forms
that receivers get are made of it in `words`, `webhook_bodies` and `notice_mail`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from citywx.notices.planning import NoticeKind
from citywx.notices.routes import RANK


@dataclass(frozen=True, slots=True)
class NoticeAlert:
    """An alert, as its row in `alerts` has it, with the time zone of its city."""

    alert_id: str
    rule_id: str
    kind: str
    city: str
    state: str
    severity: str
    worst_severity: str
    metric: str
    value: float | None
    limit_value: float | None
    message: str
    advice: str
    started_at: datetime
    resolved_at: datetime | None
    peak: float | None
    peak_at: datetime | None
    suspect: bool
    zone: str = "UTC"

    @property
    def firing(self) -> bool:
        """Whether it is not over."""
        return self.resolved_at is None


@dataclass(frozen=True, slots=True)
class Content:
    """One notice."""

    notice_id: str
    kind: NoticeKind
    route: str
    made_at: datetime
    origin: str
    """What the readings are: "real", "simulated" or "replay"."""
    alerts: tuple[NoticeAlert, ...]
    """The most serious first; at most so many as the route lists."""
    alert_count: int
    """How many alerts it is about, those that are not listed too."""
    firing_beside: int = 0
    """Alerts of the same groups that fire, and are not told again."""
    rules: tuple[str, ...] = ()
    """Of all of its alerts; at most `_NAMED`."""
    cities: tuple[str, ...] = ()
    rule_count: int = 0
    city_count: int = 0
    severity: str = "info"
    """Of its most serious alert."""
    firing: bool = True
    """Whether any of its alerts is not over."""

    @property
    def more(self) -> int:
        """How many alerts are not listed."""
        return self.alert_count - len(self.alerts)


@dataclass(frozen=True, slots=True)
class Frame:
    """What all notices of one plan have in common."""

    notice_id: str
    kind: NoticeKind
    route: str
    made_at: datetime
    origin: str
    listed: int
    firing_beside: int = 0


_NAMED = 3


def make_content(frame: Frame, alerts: Iterable[NoticeAlert]) -> Content:
    """A notice about these alerts, of which there is at least one."""
    ordered = sorted(
        alerts,
        key=lambda one: (not one.firing, -RANK[one.severity], one.started_at, one.city),
    )
    rules = tuple(dict.fromkeys(one.rule_id for one in ordered))
    cities = tuple(dict.fromkeys(one.city for one in ordered))
    return Content(
        notice_id=frame.notice_id,
        kind=frame.kind,
        route=frame.route,
        made_at=frame.made_at,
        origin=frame.origin,
        alerts=tuple(ordered[: frame.listed]),
        alert_count=len(ordered),
        firing_beside=frame.firing_beside,
        rules=rules[:_NAMED],
        cities=cities[:_NAMED],
        rule_count=len(rules),
        city_count=len(cities),
        severity=max((one.severity for one in ordered), key=lambda name: RANK[name]),
        firing=any(one.firing for one in ordered),
    )


def wanted_by(
    alerts: Mapping[str, Sequence[NoticeAlert]], cities: Iterable[str], min_severity: str
) -> list[NoticeAlert]:
    """Those of the alerts, given by city, that a subscriber chose.

    An alert counts by the worst it has been: who was told that it began is told that it is over.
    """
    return [
        alert
        for city in cities
        for alert in alerts.get(city, ())
        if RANK[alert.worst_severity] >= RANK[min_severity]
    ]
