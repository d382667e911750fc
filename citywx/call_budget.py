"""How many calls each weather service allows, how many were made, and what is left.

Counts lie in `state/poller.json`, which the poller alone writes; anyone may read them here.
"""

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from citywx.home import Home
from citywx.polled_cities import PolledCities
from citywx.settings import Settings, WeatherSource

_LONGEST_MONTH = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Quota:
    """The calls that a service allows free of charge."""

    per_minute: int
    per_month: int
    per_day: int | None = None


QUOTAS = {
    WeatherSource.OPENWEATHERMAP.value: Quota(per_minute=60, per_month=1_000_000),
    WeatherSource.OPEN_METEO.value: Quota(per_minute=600, per_day=10_000, per_month=300_000),
}
"""By service, as their price and terms pages state them."""


@dataclass(slots=True)
class CallCounts:
    """Calls made, by service and by day or month (`2026-11-23`, `2026-11`; UTC)."""

    made: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: object) -> "CallCounts":
        """Read what `to_json` gave; ValueError, TypeError or AttributeError for anything else."""
        if not isinstance(body, dict):
            message = "call counts are not an object"
            raise TypeError(message)
        counts = {
            str(service): {str(period): int(calls) for period, calls in periods.items()}
            for service, periods in body.items()
        }
        return cls(counts)

    def to_json(self) -> dict[str, dict[str, int]]:
        """As JSON values."""
        return self.made

    def add(self, service: str, now: datetime, calls: int = 1) -> None:
        """Count calls; days and months that are over are forgotten."""
        before = self.made.get(service, {})
        periods = (_month(now), _day(now))
        self.made[service] = {period: before.get(period, 0) + calls for period in periods}

    def left(self, service: str, now: datetime) -> int:
        """Calls that the service still allows today and this month."""
        quota, made = QUOTAS[service], self.made.get(service, {})
        left = quota.per_month - made.get(_month(now), 0)
        if quota.per_day is not None:
            left = min(left, quota.per_day - made.get(_day(now), 0))
        return max(left, 0)

    def next_allowance(self, service: str, now: datetime) -> datetime:
        """When a budget that is used up begins anew (UTC)."""
        quota, made = QUOTAS[service], self.made.get(service, {})
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if made.get(_month(now), 0) < quota.per_month:
            return midnight + timedelta(days=1)
        return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True, slots=True)
class CallBudget:
    """One service's budget, for people."""

    service: str
    calls_a_month: int
    """At these settings, in a month of 31 days, when every poll succeeds."""
    made_this_month: int
    left_this_month: int
    per_month: int


def calls_a_month(cities: int, poll_seconds: float) -> int:
    """The calls that polling so many cities this often takes in 31 days.

    >>> calls_a_month(6, 600)
    26784
    """
    return cities * math.ceil(_LONGEST_MONTH.total_seconds() / poll_seconds)


def read_budgets(settings: Settings, home: Home, now: datetime) -> list[CallBudget]:
    """The budgets of all services that this home has called; empty before the first call."""
    try:
        body = json.loads(poller_state_file(home).read_bytes())
        counts = CallCounts.from_json(body["calls"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # not started yet, or being written anew by the poller
    planned = calls_a_month(len(PolledCities.load(home).names), settings.poll_seconds)
    polled = body.get("polled")
    budgets = []
    for service, made in counts.made.items():
        if service in QUOTAS:
            per_month, so_far = QUOTAS[service].per_month, made.get(_month(now), 0)
            budgets.append(
                CallBudget(
                    service=service,
                    calls_a_month=planned if service == polled else 0,
                    made_this_month=so_far,
                    left_this_month=max(per_month - so_far, 0),
                    per_month=per_month,
                )
            )
    return budgets


def poller_state_file(home: Home) -> Path:
    """Where the poller keeps what it must remember."""
    return home.state / "poller.json"


def _month(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")


def _day(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%d")
