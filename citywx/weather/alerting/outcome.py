"""How often a rule would have fired, how long, and how many notices it would have meant."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from citywx.weather.alerting.backtest import Backtest, Firing, Span
from citywx.weather.alerting.policy import Policy

MONTH = timedelta(days=365.2425 / 12)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a history says of one rule or pattern."""

    rule_id: str
    firings: tuple[Firing, ...]
    durations: tuple[timedelta, ...]
    """Of each firing, from its start; of one that did not end, to the city's last reading."""
    city_months: float
    """Months of history, added up over the cities that it watches."""
    notices: int
    """Before grouping, repetitions and silences."""

    @property
    def rate(self) -> float:
        """Alerts a city a month."""
        return len(self.firings) / self.city_months if self.city_months else 0.0

    @property
    def median_duration(self) -> timedelta | None:
        """Half of the alerts last longer; None without any."""
        if not self.durations:
            return None
        return timedelta(seconds=median(one.total_seconds() for one in self.durations))

    @property
    def longest_duration(self) -> timedelta | None:
        """Of the alert that lasts longest; None without any."""
        return max(self.durations, default=None)

    @property
    def by_month(self) -> Counter[tuple[str, str]]:
        """How many fired by city and UTC month, such as ("Oslo", "2026-03")."""
        return Counter((firing.city, f"{firing.fired_at:%Y-%m}") for firing in self.firings)


def outcome(policy: Policy, backtest: Backtest) -> Outcome:
    """What the backtest says of one of its rules or patterns."""
    firings = backtest.of(policy.rule_id)
    inhibiting: dict[str, list[Firing]] = {}
    for firing in backtest.firings:
        if firing.rule_id in policy.inhibited_by:
            inhibiting.setdefault(firing.city, []).append(firing)
    return Outcome(
        policy.rule_id,
        tuple(firings),
        tuple(duration(firing, backtest.spans) for firing in firings),
        city_months(policy, backtest.spans),
        sum(notices(one, inhibiting.get(one.city, ())) for one in firings) * policy.notify,
    )


def city_months(policy: Policy, spans: Mapping[str, Span]) -> float:
    """Months of history, added up over the cities that a rule watches."""
    watched = (span.last - span.first for city, span in spans.items() if policy.watches(city))
    return sum(watched, timedelta()) / MONTH


def duration(firing: Firing, spans: Mapping[str, Span]) -> timedelta:
    """How long the condition held, as far as is known."""
    end: datetime = firing.ended_at or max(spans[firing.city].last, firing.fired_at)
    return end - firing.started_at


def notices(firing: Firing, inhibiting: Iterable[Firing]) -> int:
    """How often people are told of an alert: that it fires, that it is worse, that it is over.

    While one of `inhibiting`, alerts of the same city in order, fires, it is held back.
    """
    told_at = firing.fired_at
    for other in inhibiting:
        if other.fired_at <= told_at and (other.ended_at is None or other.ended_at > told_at):
            if other.ended_at is None:
                return 0
            told_at = other.ended_at
    if firing.ended_at is not None and told_at >= firing.ended_at:
        return 0
    worse = sum(moment > told_at for moment in firing.escalated_at)
    return 1 + worse + (firing.ended_at is not None)
