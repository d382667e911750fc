"""Applying rules to readings: pure steps without a clock, so that a replay gives the same events.

A rule in a city is either quiet or firing. It begins to fire when a value passes the limit, once,
however long that lasts, and resolves when a value is back at the clear level. A first reading that
is past the limit fires too: a state that people want to know does not need a crossing. A missing
value changes nothing. Observation time orders readings: one that is not newer than the last that a
rule has judged in its city is ignored, so that late rows, corrections and re-reads fire nothing.
Readings of an archive are never judged.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from citywx.weather.alerting.rules import UNITS, Rule, Severity
from citywx.weather.reading import ARCHIVE_SOURCE, Reading, format_timestamp, parse_timestamp


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


def step(
    rule: Rule, since: datetime | None, observed_at: datetime, value: float
) -> datetime | None:
    """Since when the rule fires after one value of its metric; None while it is quiet."""
    if since is None:
        return observed_at if rule.fires_at(value) else None
    return None if rule.clears_at(value) else since


class AlertBook:
    """The states of all rules in all cities, moved on by readings."""

    def __init__(
        self, rules: Iterable[Rule], states: Mapping[tuple[str, str], RuleState] | None = None
    ) -> None:
        """Take up from `states` by (rule id, city), as `states` gave them."""
        self.rules = tuple(rules)
        self.ignored = 0
        """Values that were not newer than what their rule had judged already."""
        self._watches: dict[str, list[_Watch]] = {}
        for (rule_id, city), state in (states or {}).items():
            for watch in self._of(city):
                watch.resume(rule_id, state)

    @property
    def states(self) -> Mapping[tuple[str, str], RuleState]:
        """Where every rule stands, by (rule id, city)."""
        return {
            (rule.rule_id, city): RuleState(watch.observed_at, since)
            for city, watches in self._watches.items()
            for watch in watches
            if watch.observed_at is not None
            for rule, since in zip(watch.rules, watch.since, strict=True)
        }

    def judge(self, reading: Reading) -> list[AlertEvent]:
        """What the reading sets off."""
        if reading.source == ARCHIVE_SOURCE:
            return []
        observed_at = reading.timestamp
        events: list[AlertEvent] = []
        for watch in self._watches.get(reading.city) or self._of(reading.city):
            value: float | None = reading[watch.field]  # type: ignore[assignment]  # a measure
            if value is None:
                continue
            if watch.observed_at is not None and observed_at <= watch.observed_at:
                self.ignored += len(watch.rules)
                continue
            watch.observed_at = observed_at
            if not watch.low < value < watch.high:
                events += watch.step(reading, value)
        return events

    def _of(self, city: str) -> list["_Watch"]:
        watches = self._watches.get(city)
        if watches is None:
            mine = [rule for rule in self.rules if rule.applies_to(city)]
            metrics = dict.fromkeys(rule.metric for rule in mine)
            watches = [_Watch(m, [rule for rule in mine if rule.metric == m]) for m in metrics]
            self._watches[city] = watches
        return watches


class _Watch:
    """The rules on one metric in one city.

    Most values change nothing, and most rules see that only by comparing. So the levels between
    which no rule changes its state are kept: a value inside costs one comparison for all rules.
    """

    __slots__ = ("field", "high", "low", "observed_at", "rules", "since")

    def __init__(self, metric: str, rules: list[Rule]) -> None:
        self.field = Reading._fields.index(metric)
        self.rules = rules
        self.since: list[datetime | None] = [None] * len(rules)
        self.observed_at: datetime | None = None
        self._settle()

    def resume(self, rule_id: str, state: RuleState) -> None:
        """Take up the state of one of the rules, if it is one of them."""
        for number, rule in enumerate(self.rules):
            if rule.rule_id == rule_id:
                self.since[number] = state.firing_since
                if self.observed_at is None or self.observed_at < state.observed_at:
                    self.observed_at = state.observed_at
                self._settle()

    def step(self, reading: Reading, value: float) -> list[AlertEvent]:
        """Let every rule judge the value."""
        events = []
        for number, rule in enumerate(self.rules):
            before = self.since[number]
            after = self.since[number] = step(rule, before, reading.timestamp, value)
            if before is None and after is not None:
                events.append(_event(rule, Event.FIRED, after, reading, value))
            elif before is not None and after is None:
                events.append(_event(rule, Event.RESOLVED, before, reading, value))
        if events:
            self._settle()
        return events

    def _settle(self) -> None:
        self.low, self.high = -math.inf, math.inf
        for rule, since in zip(self.rules, self.since, strict=True):
            level = rule.limit if since is None else rule.clear
            if rule.comparison.upward == (since is None):
                self.high = min(self.high, level)
            else:
                self.low = max(self.low, level)


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
