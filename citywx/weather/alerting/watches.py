"""The rules in one city, moved on by its readings.

Most values change nothing, and most rules see that only by comparing. So the levels between which
no rule changes its state are kept for each metric: a value inside costs one comparison for all
rules on it.
"""

import math
from collections.abc import Collection, Iterable
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from citywx.weather.alerting.change import Change
from citywx.weather.alerting.events import AlertEvent, Subject, advance
from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.rules import NoData, Rule
from citywx.weather.reading import Reading

if TYPE_CHECKING:
    from citywx.weather.alerting.life import Life

NOTHING_SUSPECT: Collection[str] = ()


class RuleWatch:
    """One rule in one city."""

    __slots__ = ("life", "rule", "subject")

    def __init__(self, rule: Rule) -> None:
        """Begin quiet."""
        self.rule = rule
        self.life: Life | None = None
        unit = rule.metric.unit if rule.metric else ""
        words = rule.comparison.words if rule.comparison else ""
        self.subject = Subject(rule.metric_name, unit, words)

    def find(self, finding: Finding, *, suspect: bool = False) -> AlertEvent | None:
        """Move on by a finding."""
        self.life, event = advance(
            self.rule.policy, self.subject, self.life, finding, suspect=suspect
        )
        return event


class MetricWatch:
    """The rules on one metric, or one change of it, in one city."""

    __slots__ = ("change", "heard_at", "high", "key", "listens", "low", "metric", "rules")

    def __init__(self, rules: list[RuleWatch]) -> None:
        """`rules`: all on the same metric and change."""
        rule = rules[0].rule
        self.rules = rules
        self.metric = rule.metric
        self.key = metric_key(rule)
        self.change = Change(rule.change_over.total_seconds()) if rule.change_over else None
        self.listens = any(one.rule.silent_for is not None for one in rules)
        self.heard_at: datetime | None = None
        """When the last value was written, or observed where that is not known."""
        self.settle()

    def observe(
        self, reading: Reading, zone: tzinfo, suspect: Collection[str]
    ) -> Iterable[AlertEvent]:
        """What the reading sets off."""
        value = 0.0
        if self.metric is not None:
            known = self.metric.of(reading)
            if known is None:
                return ()
            value = known
        if self.listens:
            self.heard_at = reading.fetched_at or reading.timestamp
        if self.change is not None:
            changed = self.change.add(reading.timestamp.timestamp(), value)
            if changed is None:
                return ()
            value = changed
        if self.low < value < self.high:
            return ()
        doubtful = bool(suspect) and self.metric is not None and self.metric.doubted_by(suspect)
        return self._judge(reading, value, zone, doubtful=doubtful)

    def _judge(
        self, reading: Reading, value: float, zone: tzinfo, *, doubtful: bool
    ) -> list[AlertEvent]:
        events = []
        for watch in self.rules:
            rule = watch.rule
            if self._jumped(rule):
                continue
            level = rule.level(watch.life.level if watch.life else 0, value)
            if level == 0 and watch.life is None:
                continue
            at = reading.timestamp
            if watch.life is not None and at < watch.life.observed_at:
                at = watch.life.observed_at  # a silence was noticed later than it was observed
            limit = rule.levels[max(level, 1) - 1].limit if rule.levels else None
            told = value if rule.metric is not None else None
            if level and not rule.policy.active_at(at, zone):
                level = 0
            event = watch.find(Finding(reading.city, at, level, told, limit), suspect=doubtful)
            if event is not None:
                events.append(event)
        self.settle()
        return events

    def _jumped(self, rule: Rule) -> bool:
        """Whether the change is a jump, which says nothing."""
        if rule.max_step is None or self.change is None:
            return False
        return not self.change.is_even(rule.max_step)

    def settle(self) -> None:
        """Find the levels between which nothing happens; none while an alert is in progress."""
        self.low, self.high = -math.inf, math.inf
        for watch in self.rules:
            if watch.life is not None:
                self.low = math.inf
                return
            low, high = watch.rule.quiet_band()
            self.low, self.high = max(self.low, low), min(self.high, high)

    def miss(self, city: str, now: datetime) -> list[AlertEvent]:
        """What silence sets off at `now`."""
        events = []
        for watch in self.rules:
            due = self.silent_at(watch.rule)
            if due is None or due > now or (event := _silence(watch, city, due, now)) is None:
                continue
            events.append(event)
        if events:
            self.settle()
        return events

    def dues(self) -> list[datetime]:
        """When silence begins to count, of each rule that listens for it."""
        found = (self.silent_at(watch.rule) for watch in self.rules)
        return [due for due in found if due is not None]

    def silent_at(self, rule: Rule) -> datetime | None:
        """From when on silence counts; None where it never does."""
        if rule.silent_for is None or self.heard_at is None or rule.no_data is NoData.KEEP:
            return None
        return self.heard_at + rule.silent_for


def _silence(watch: RuleWatch, city: str, due: datetime, now: datetime) -> AlertEvent | None:
    since = due - (watch.rule.silent_for or due - due)
    details = {"reason": f"no reading since {since:%Y-%m-%d %H:%M} UTC", "silent": True}
    if watch.rule.no_data is NoData.OK:
        if watch.life is None:
            return None
        ended = Finding(city, max(due, watch.life.observed_at), 0, details=details)
        watch.life, event = end(watch, ended)
        return event
    if watch.life is not None and watch.life.level:
        return None  # it fires already
    at = due if watch.life is None else max(now, watch.life.observed_at)
    return watch.find(Finding(city, at, 1, details=details))


def end(watch: RuleWatch, finding: Finding) -> tuple[None, AlertEvent | None]:
    """End an alert at once, whatever `keep_firing_for` says."""
    policy = watch.rule.policy.at_once()
    _, event = advance(policy, watch.subject, watch.life, finding)
    return None, event


def metric_key(rule: Rule) -> str:
    """What is watched, as one word."""
    name = rule.metric.name if rule.metric else "any"
    return f"{name}/{rule.change_over.total_seconds():g}" if rule.change_over else name


def watches_of(rules: Iterable[Rule], city: str) -> list[MetricWatch]:
    """The watches of one city."""
    mine: dict[str, list[RuleWatch]] = {}
    for rule in rules:
        if rule.policy.watches(city):
            mine.setdefault(metric_key(rule), []).append(RuleWatch(rule))
    return [MetricWatch(rules) for rules in mine.values()]
