"""What keeps an alert from being told: silences, quiet hours, and an alert that says more.

Pure: everything that is looked at stands in `Situation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from citywx.notices.groups import Member
from citywx.notices.routes import RANK, Route, matches_any


class Hold(StrEnum):
    """Why an alert is not told now; the value is for people and for metrics."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"
    """A rule that says more is firing in the same city."""
    QUIET = "quiet hours"


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing is told of the alerts that fit all of its patterns."""

    rule: str | None = None
    city: str | None = None
    severity: str | None = None
    """The most serious alert that it silences; None: any."""

    def covers(self, member: Member) -> bool:
        """Whether it silences the alert."""
        return (
            (self.rule is None or matches_any((self.rule,), member.rule_id))
            and (self.city is None or matches_any((self.city,), member.city))
            and (self.severity is None or RANK[member.severity] <= RANK[self.severity])
        )


@dataclass(frozen=True, slots=True)
class Situation:
    """What matters beside the groups themselves, at one moment."""

    now: datetime
    silences: tuple[Silence, ...] = ()
    """Those in force."""
    firing: frozenset[tuple[str, str]] = frozenset()
    """Rule and city of the alerts that fire, of the rules that inhibit others."""
    acknowledged: frozenset[str] = frozenset()
    """Ids of alerts."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """Time zones by city."""
    recent: Mapping[str, int] = field(default_factory=dict)
    """How many notices a route has sent within its limit's time."""


def hold(route: Route, member: Member, situation: Situation) -> Hold | None:
    """What keeps the alert from being told by this route now; None: nothing does."""
    if any(silence.covers(member) for silence in situation.silences):
        return Hold.SILENCED
    if any((rule, member.city) in situation.firing for rule in member.inhibited_by):
        return Hold.INHIBITED
    if route.quiet is None or _passes(route, member):
        return None
    zone = ZoneInfo(situation.zones.get(member.city, "UTC"))
    return Hold.QUIET if route.quiet.include(situation.now.astimezone(zone)) else None


def _passes(route: Route, member: Member) -> bool:
    least = route.quiet_passes
    return least is not None and RANK[member.severity] >= least.rank
