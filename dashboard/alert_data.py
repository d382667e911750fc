"""All that the dashboard asks PostgreSQL about alerts; no other SQL on them stands in `dashboard`.

What is returned is bounded. Times are aware UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, case, select, text

from citywx.warehouse.tables import acknowledgements, alerts
from citywx.weather.alerting.policy import Severity
from dashboard.data import to_frame

MOST = 500
"""Alerts in a table."""
RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is now, and who takes care of it."""

    alert_id: str
    rule_id: str
    city: str
    state: str
    severity: str
    worst_severity: str
    metric: str
    limit_value: float | None
    message: str
    advice: str
    started_at: datetime
    resolved_at: datetime | None
    peak: float | None
    peak_at: datetime | None
    readings: int
    suspect: bool
    notify: bool
    acknowledged_by: str | None
    note: str | None
    acknowledged_at: datetime | None

    @property
    def firing(self) -> bool:
        """Whether it fires now."""
        return self.state == "firing"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which alerts of the past; nothing in a list means all."""

    cities: Sequence[str] = ()
    severities: Sequence[str] = ()
    """The worst that they had."""
    rules: Sequence[str] = ()
    states: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None
    """They started before."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How a rule's alerts stand."""

    firing_in: tuple[str, ...] = ()
    pending: int = 0
    fired: int = 0
    """Since the time asked for."""


_A = alerts.c
_K = acknowledgements.c
_OF_OTHERS = {"acknowledged_by": _K.author, "note": _K.note, "acknowledged_at": _K.acknowledged_at}
_COLUMNS: list[ColumnElement[Any]] = [
    _OF_OTHERS[name] if name in _OF_OTHERS else _A[name] for name in Alert.__dataclass_fields__
]
_ALERTS = (
    select(*_COLUMNS)
    .outerjoin_from(alerts, acknowledgements, _K.alert_id == _A.alert_id)
    .limit(MOST)
)
_RANK = case({one.value: one.rank for one in Severity}, value=_A.severity)


def current(connection: Connection) -> list[Alert]:
    """Alerts that fire or are pending: the most serious first, then the newest."""
    query = _ALERTS.where(_A.state.in_(["firing", "pending"]))
    return _found(connection, query.order_by(_RANK.desc(), _A.started_at.desc()))


def past(connection: Connection, chosen: Chosen) -> list[Alert]:
    """The chosen alerts, the newest first."""
    lists = (
        (_A.city, chosen.cities),
        (_A.worst_severity, chosen.severities),
        (_A.rule_id, chosen.rules),
        (_A.state, chosen.states),
    )
    query = _ALERTS.where(*(column.in_(values) for column, values in lists if values))
    if chosen.start is not None:
        query = query.where(_A.started_at >= chosen.start)
    if chosen.end is not None:
        query = query.where(_A.started_at < chosen.end)
    return _found(connection, query.order_by(_A.started_at.desc(), _A.alert_id))


def named(connection: Connection, alert_id: str) -> list[Alert]:
    """The alert of that id; none where there is no such."""
    return _found(connection, _ALERTS.where(_A.alert_id == alert_id))


def events(connection: Connection, alert_id: str) -> pd.DataFrame:
    """What happened to an alert, in order."""
    query = """
        SELECT event, severity, message, observed_at
        FROM alert_events WHERE alert_id = :alert_id ORDER BY event_no LIMIT :limit
    """
    return to_frame(connection, text(query), {"alert_id": alert_id, "limit": MOST})


def newest_events(connection: Connection) -> pd.DataFrame:
    """When the newest events were observed and decided."""
    query = """
        SELECT observed_at, decided_at, latency_ms FROM alert_events
        ORDER BY observed_at DESC LIMIT 200
    """
    return to_frame(connection, text(query))


def by_rule(connection: Connection, since: datetime) -> dict[str, Counts]:
    """How the alerts of each rule stand, of those that have any."""
    query = """
        SELECT rule_id,
               coalesce(array_agg(city ORDER BY city) FILTER (WHERE state = 'firing'), '{}'),
               count(*) FILTER (WHERE state = 'pending'),
               count(*) FILTER (WHERE fired_at >= :since)
        FROM alerts WHERE state IN ('firing', 'pending') OR started_at >= :since
        GROUP BY rule_id
    """
    rows = connection.execute(text(query), {"since": since})
    return {rule: Counts(tuple(firing), pending, fired) for rule, firing, pending, fired in rows}


def _found(connection: Connection, query: Select[Any]) -> list[Alert]:
    return [Alert(*row) for row in connection.execute(query)]
