"""How an alert lives: a pure step from findings to pending, firing and ended alerts.

Each level of severity is a switch with a delay. It goes on once the condition has held at that
level for `for`, and off once it has not for `keep_firing_for`. The number of switches that are on
is the alert's level, so escalation and step-down follow from the same two times. An alert begins
with the observation from which the condition held; until the first switch goes on it is pending.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.policy import Policy


class Event(StrEnum):
    """What happened to an alert."""

    PENDING = "pending"
    FIRED = "fired"
    ESCALATED = "escalated"
    EASED = "eased"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"
    """It ended before it fired."""

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self in (Event.RESOLVED, Event.CANCELLED)


Turning = tuple[datetime | None, ...]
"""Of each level: since when the condition says otherwise than its switch."""


@dataclass(frozen=True, slots=True)
class Life:
    """Where one alert stands."""

    started_at: datetime
    observed_at: datetime
    """The newest observation that was judged."""
    level: int
    """Switches that are on; 0: pending."""
    turning: Turning
    value: float | None
    limit: float | None
    peak: float | None
    peak_at: datetime
    readings: int
    """Observations that were judged since the start."""
    suspect: bool = False
    """Whether one of them was doubtful."""


def step(policy: Policy, life: Life | None, finding: Finding) -> tuple[Life | None, Event | None]:
    """Where the alert stands after a finding, and what happened to it.

    The life given back with a final event is the ended one; without an event None means that
    there is no alert. Whoever keeps lives drops those that ended.
    """
    if life is None:
        if finding.level == 0:
            return None, None
        before, held = 0, _no_turning(policy)
    else:
        before, held = life.level, life.turning
    level, turning = _turn(policy, before, held, finding)
    was_pending = life is not None and before == 0
    event = _event(before, level, holds=finding.level > 0, was_pending=was_pending)
    shown = before if event is Event.RESOLVED else level
    if life is None:
        return _begin(finding, shown, turning), event
    return _observe(policy, life, finding, shown, turning), event


def _no_turning(policy: Policy) -> Turning:
    """Of an alert whose condition agrees with all its switches."""
    return (None,) * len(policy.severities)


def _event(before: int, level: int, *, holds: bool, was_pending: bool) -> Event | None:
    if level > before:
        return Event.ESCALATED if before else Event.FIRED
    if level < before:
        return Event.EASED if level else Event.RESOLVED
    if level == 0 and not holds:
        return Event.CANCELLED
    return None if level or was_pending else Event.PENDING


def _begin(finding: Finding, level: int, turning: Turning) -> Life:
    return Life(
        started_at=finding.observed_at,
        observed_at=finding.observed_at,
        level=level,
        turning=turning,
        value=finding.value,
        limit=finding.limit,
        peak=finding.value,
        peak_at=finding.observed_at,
        readings=1,
    )


def _observe(policy: Policy, life: Life, finding: Finding, level: int, turning: Turning) -> Life:
    peak, peak_at = life.peak, life.peak_at
    if finding.level and finding.value is not None:
        peak = policy.worst.of(life.peak, finding.value)
        if peak != life.peak:
            peak_at = finding.observed_at
    return Life(
        life.started_at,
        finding.observed_at,
        level,
        turning,
        finding.value if finding.value is not None else life.value,
        finding.limit if finding.limit is not None else life.limit,
        peak,
        peak_at,
        life.readings + 1,
        life.suspect,
    )


def _turn(policy: Policy, before: int, turning: Turning, finding: Finding) -> tuple[int, Turning]:
    """The level after the switches were looked at, and those that are about to turn."""
    if before == finding.level and not any(turning):
        return before, turning
    level = 0
    left: list[datetime | None] = []
    for number, since in enumerate(turning, 1):
        on, holds = number <= before, number <= finding.level
        if on == holds:
            left.append(None)
            level += on
            continue
        began = since or finding.observed_at
        due = finding.observed_at - began >= (policy.keep if on else policy.hold)
        left.append(None if due else began)
        level += holds if due else on
    return level, tuple(left)
