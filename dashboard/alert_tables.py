"""Alerts and rules as tables for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import pandas as pd

from citywx.notices.groups import Member
from citywx.notices.holds import Silence
from citywx.text_output import length
from citywx.weather.alerting.policy import Policy
from citywx.weather.city import City
from dashboard import alert_words, tables, words
from dashboard.alert_data import Alert, Counts

Cities = Mapping[str, City]
_NAMED = 3


@dataclass(frozen=True, slots=True)
class StandingSilence:
    """A silence that has not ended."""

    number: int
    silence: Silence
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str

    @classmethod
    def of(cls, row: Any) -> Self:  # noqa: ANN401 - a row of the table
        """As the table has it."""
        what = Silence(row.rule, row.city, row.severity)
        return cls(row.silence_id, what, row.starts_at, row.ends_at, row.author, row.reason)

    def covers(self, alert: Alert, now: datetime) -> bool:
        """Whether nobody is told of the alert because of it."""
        member = Member(alert.alert_id, alert.rule_id, alert.city, alert.severity)
        return self.starts_at <= now < self.ends_at and self.silence.covers(member)

    @property
    def words(self) -> str:
        """What it silences.

        >>> moment = datetime(2026, 3, 1)  # noqa: DTZ001
        >>> StandingSilence(1, Silence("heat", "Cairo"), moment, moment, "Ada", "tests").words
        'rule heat in Cairo'
        """
        what = self.silence
        parts = (
            f"rule {what.rule}" if what.rule else "",
            f"in {what.city}" if what.city else "",
            f"up to {what.severity}" if what.severity else "",
        )
        return " ".join(filter(None, parts)) or "every alert"


@dataclass(frozen=True, slots=True)
class Moment:
    """Until when the readings reach, and what time it is."""

    newest: datetime
    now: datetime


def current(
    alerts: Sequence[Alert], cities: Cities, silences: Sequence[StandingSilence], at: Moment
) -> None:
    """Alerts that are not over."""
    tables.show(
        pd.DataFrame(
            {
                "City": [alert.city for alert in alerts],
                "Severity": [alert.severity for alert in alerts],
                "What": [alert.message for alert in alerts],
                "Since (local)": [_since(alert, cities) for alert in alerts],
                "For": [length(at.newest - alert.started_at) for alert in alerts],
                "Peak": [alert_words.quantity(alert.metric, alert.peak) for alert in alerts],
                "Notices": [told(alert, silences, at.now) for alert in alerts],
            }
        )
    )


def past(alerts: Sequence[Alert], cities: Cities, newest: datetime) -> None:
    """Alerts with their end, if they have one."""
    tables.show(
        pd.DataFrame(
            {
                "City": [alert.city for alert in alerts],
                "Severity": [alert.worst_severity for alert in alerts],
                "Rule": [alert.rule_id for alert in alerts],
                "State": [alert_words.STATES[alert.state] for alert in alerts],
                "Since (local)": [_since(alert, cities) for alert in alerts],
                "Lasted": [
                    length((alert.resolved_at or newest) - alert.started_at) for alert in alerts
                ],
                "Peak": [alert_words.quantity(alert.metric, alert.peak) for alert in alerts],
                "What": [alert.message for alert in alerts],
            }
        )
    )


def rules(watched: Iterable[tuple[Policy, str]], counts: Mapping[str, Counts]) -> None:
    """What is watched for, and where it holds now."""
    rows = []
    for policy, what in watched:
        found = counts.get(policy.rule_id, Counts())
        rows.append(
            {
                "Rule": policy.rule_id,
                "Watches for": what,
                "Severity": " / ".join(severity.value for severity in policy.severities),
                "Fires in": _named(found.firing_in),
                "Pending": found.pending,
                "Fired in 7 days": found.fired,
                "Cities": ", ".join(policy.cities) or "all",
                "People are told": "yes" if policy.notify else "no",
            }
        )
    tables.show(pd.DataFrame(rows))


def events(found: pd.DataFrame, city: City) -> None:
    """What happened to one alert."""
    times = [words.short_time(moment.to_pydatetime(), city) for moment in found["observed_at"]]
    tables.show(
        pd.DataFrame(
            {
                "Observed (local)": times,
                "Event": found["event"],
                "Severity": found["severity"],
                "What": found["message"],
            }
        )
    )


def told(alert: Alert, silences: Iterable[StandingSilence], now: datetime) -> str:
    """Why people are not told of an alert, or not reminded of it; empty where they are."""
    if not alert.notify:
        return "tells nobody"
    for one in silences:
        if one.covers(alert, now):
            return f"silenced by {one.author}"
    return f"{alert.acknowledged_by} takes care" if alert.acknowledged_by else ""


def _since(alert: Alert, cities: Cities) -> str:
    return words.short_time(alert.started_at, cities.get(alert.city, City(alert.city)))


def _named(cities: Sequence[str]) -> str:
    more = f" and {len(cities) - _NAMED} more" if len(cities) > _NAMED else ""
    return ", ".join(cities[:_NAMED]) + more
