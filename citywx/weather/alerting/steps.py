"""Applying rules to readings: pure steps without a clock, so that a replay gives the same events.

A rule in a city is either quiet or firing. It begins to fire when a value passes the limit, once,
however long that lasts, and resolves when a value is back at the clear level. A first reading that
is past the limit fires too: a state that people want to know does not need a crossing. A missing
value changes nothing. Observation time orders readings: one that is not newer than the last that a
rule has judged in its city is ignored, so that late rows, corrections and re-reads fire nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from citywx.weather.alerting.rules import UNITS, Rule, Severity
from citywx.weather.reading import Reading, format_timestamp, parse_timestamp


class Event(StrEnum):
    """What happened to an alert."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class RuleState:
    """Where one rule stands in one city."""

    observed_at: datetime
    """The newest observation that the rule has judged."""
    firing_since: datetime | None = None
    """The observation that started the alert; None while quiet."""


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """An alert fired or was resolved."""

    alert_id: str
    event: Event
    rule_id: str
    city: str
    severity: Severity
    metric: str
    value: float
    limit: float
    message: str
    observed_at: datetime
    notify: bool


def alert_id(rule_id: str, city: str, started_at: datetime) -> str:
    """The same alert has the same id however often it is decided."""
    key = "\x1f".join((rule_id, city, format_timestamp(started_at)))
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def step(rule: Rule, state: RuleState | None, observed_at: datetime, value: float) -> RuleState:
    """The state after one value of the rule's metric; the given state when it is not newer."""
    if state is not None and observed_at <= state.observed_at:
        return state
    firing_since = state.firing_since if state is not None else None
    if firing_since is None:
        return RuleState(observed_at, observed_at if rule.fires_at(value) else None)
    return RuleState(observed_at, None if rule.clears_at(value) else firing_since)


class AlertBook:
    """The states of all rules in all cities, moved on by readings."""

    def __init__(
        self, rules: Iterable[Rule], states: Mapping[tuple[str, str], RuleState] | None = None
    ) -> None:
        """Take up from `states` by (rule id, city), as `states` gave them."""
        self.rules = tuple(rules)
        self.ignored = 0
        """Values that were not newer than what their rule had judged already."""
        known = {rule.rule_id for rule in self.rules}
        self._states = {key: state for key, state in (states or {}).items() if key[0] in known}

    @property
    def states(self) -> Mapping[tuple[str, str], RuleState]:
        """Where every rule stands, by (rule id, city)."""
        return self._states

    def judge(self, reading: Reading) -> list[AlertEvent]:
        """What the reading sets off."""
        events = []
        for rule in self.rules:
            value: float | None = getattr(reading, rule.metric)
            if value is None or not rule.applies_to(reading.city):
                continue
            key = (rule.rule_id, reading.city)
            before = self._states.get(key)
            after = step(rule, before, reading.timestamp, value)
            if after is before:
                self.ignored += 1
                continue
            self._states[key] = after
            was = before.firing_since if before is not None else None
            if was is None and after.firing_since is not None:
                events.append(_event(rule, Event.FIRED, after.firing_since, reading, value))
            elif was is not None and after.firing_since is None:
                events.append(_event(rule, Event.RESOLVED, was, reading, value))
        return events


def dump_states(states: Mapping[tuple[str, str], RuleState]) -> list[list[str | None]]:
    """States as plain lists for JSON."""
    return [
        [
            rule_id,
            city,
            format_timestamp(state.observed_at),
            format_timestamp(state.firing_since) if state.firing_since else None,
        ]
        for (rule_id, city), state in states.items()
    ]


def load_states(rows: Iterable[list[str | None]]) -> dict[tuple[str, str], RuleState]:
    """Read back what `dump_states` gave; ValueError for anything else."""
    states = {}
    for rule_id, city, observed_at, since in rows:
        if rule_id is None or city is None or observed_at is None:
            message = "a rule's state lacks its rule, city or time"
            raise ValueError(message)
        firing_since = parse_timestamp(since) if since is not None else None
        states[rule_id, city] = RuleState(parse_timestamp(observed_at), firing_since)
    return states


def _event(
    rule: Rule, event: Event, started_at: datetime, reading: Reading, value: float
) -> AlertEvent:
    told = f"{value:g} {UNITS[rule.metric]}"
    comparison = rule.comparison.replace("_", " ")
    message = (
        f"{rule.message} in {reading.city}: {told} ({comparison} {rule.limit:g})"
        if event is Event.FIRED
        else f"{rule.message} in {reading.city} is over: {told}"
    )
    return AlertEvent(
        alert_id=alert_id(rule.rule_id, reading.city, started_at),
        event=event,
        rule_id=rule.rule_id,
        city=reading.city,
        severity=rule.severity,
        metric=rule.metric,
        value=value,
        limit=rule.limit,
        message=message,
        observed_at=reading.timestamp,
        notify=rule.notify,
    )
