"""What is told of an alert: one event, with words for people."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.life import Event, Life, step
from citywx.weather.alerting.policy import Kind, Policy, Severity
from citywx.weather.reading import format_timestamp


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert's value is."""

    metric: str
    unit: str = ""
    comparison: str = ""
    """How the value stands to the limit, such as "above"."""


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """Something happened to an alert."""

    alert_id: str
    event: Event
    rule_id: str
    kind: Kind
    city: str
    severity: Severity
    """At a final event: the last one it had."""
    metric: str
    value: float | None
    limit: float | None
    message: str
    advice: str
    observed_at: datetime
    started_at: datetime
    peak: float | None
    peak_at: datetime
    readings: int
    suspect: bool
    notify: bool
    inhibited_by: tuple[str, ...]
    details: Mapping[str, object]


def alert_id(rule_id: str, city: str, started_at: datetime) -> str:
    """The same alert has the same id however often it is decided."""
    key = "\x1f".join((rule_id, city, format_timestamp(started_at)))
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def advance(
    policy: Policy, subject: Subject, life: Life | None, finding: Finding, *, suspect: bool = False
) -> tuple[Life | None, AlertEvent | None]:
    """Where the alert stands after a finding, and what is told of it; `suspect`: it is doubtful."""
    after, event = step(policy, life, finding)
    if after is not None and suspect and finding.level and not after.suspect:
        after = replace(after, suspect=True)
    if after is None or event is None:
        return after, None
    told = alert_event(policy, subject, event, after, finding)
    return (None if event.final else after), told


def alert_event(
    policy: Policy, subject: Subject, event: Event, life: Life, finding: Finding
) -> AlertEvent:
    """The event of a life that a finding has moved on."""
    severity = policy.severity(max(life.level, 1))
    return AlertEvent(
        alert_id=alert_id(policy.rule_id, finding.city, life.started_at),
        event=event,
        rule_id=policy.rule_id,
        kind=policy.kind,
        city=finding.city,
        severity=severity,
        metric=subject.metric,
        value=life.value,
        limit=life.limit,
        message=_message(policy, subject, event, life, finding),
        advice=policy.advice,
        observed_at=finding.observed_at,
        started_at=life.started_at,
        peak=life.peak,
        peak_at=life.peak_at,
        readings=life.readings,
        suspect=life.suspect,
        notify=policy.notify,
        inhibited_by=policy.inhibited_by,
        details=dict(finding.details),
    )


def _message(policy: Policy, subject: Subject, event: Event, life: Life, finding: Finding) -> str:
    reason = finding.details.get("reason")
    told = str(reason) if reason else _value(life.value, subject.unit)
    severity = policy.severity(max(life.level, 1))
    title = policy.message
    if "{" in title:
        title = title.format_map(
            {
                "city": finding.city,
                "value": _value(life.value, subject.unit),
                "unit": subject.unit,
                "limit": _value(life.limit, subject.unit),
                "peak": _value(life.peak, subject.unit),
                "since": format_timestamp(life.started_at),
                "severity": severity.value,
                "metric": subject.metric,
            }
        )
        return f"Over: {title}" if event.final else title
    place = f"{title} in {finding.city}"
    if event.final:
        return f"{place} is over" + (f": {told}" if told else "")
    if event in (Event.ESCALATED, Event.EASED):
        place = f"{place} is now {severity.value}"
    if not reason and told and subject.comparison and life.limit is not None:
        told = f"{told} ({subject.comparison} {life.limit:g})"
    doubt = ", but the reading is doubtful" if life.suspect else ""
    return f"{place}: {told}{doubt}" if told else f"{place}{doubt}"


def _value(value: float | None, unit: str) -> str:
    return "" if value is None else f"{round(value, 2):g} {unit}".strip()
