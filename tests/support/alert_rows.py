"""Alerts in the database, as the recorder writes them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from citywx.warehouse.tables import alert_events, alerts

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def alert_row(
    alert_id: str,
    city: str = "Cairo",
    *,
    rule: str = "heat",
    severity: str = "warning",
    at: datetime = NOON,
    inhibited_by: Sequence[str] = (),
    suspect: bool = False,
    notify: bool = True,
) -> dict[str, object]:
    """A firing alert; what `alerts` and its events have in common."""
    return {
        "alert_id": alert_id,
        "rule_id": rule,
        "kind": "rule",
        "city": city,
        "severity": severity,
        "metric": "temperature_c",
        "value": 36.2,
        "limit_value": 35.0,
        "message": f"{rule.capitalize()} in {city}: 36.2 °C (at least 35)",
        "advice": "Drink water, and stay in the shade.",
        "started_at": at,
        "peak": 38.1,
        "peak_at": at,
        "readings": 3,
        "suspect": suspect,
        "notify": notify,
        "inhibited_by": list(inhibited_by),
        "details": {},
    }


def fire(connection: Connection, *rows: dict[str, object], event: str = "fired") -> None:
    """Write alerts that fire, or have grown worse, with an event each."""
    states = [
        row
        | {
            "state": "firing",
            "worst_severity": row["severity"],
            "fired_at": row["started_at"],
            "last_observed_at": row["started_at"],
        }
        for row in rows
    ]
    statement = upsert(alerts)
    changed = {name: statement.excluded[name] for name in ("severity", "worst_severity")}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["alert_id"], set_=changed), states
    )
    _events(connection, rows, event)


def resolve(connection: Connection, at: datetime, *rows: dict[str, object]) -> None:
    """Write the end of alerts."""
    for row in rows:
        connection.execute(
            update(alerts)
            .where(alerts.c.alert_id == row["alert_id"])
            .values(state="resolved", resolved_at=at, last_observed_at=at)
        )
    _events(connection, rows, "resolved", at)


def _events(
    connection: Connection,
    rows: Sequence[dict[str, object]],
    event: str,
    at: datetime | None = None,
) -> None:
    more = {"event": event, "segment": "000001-aa", "byte_offset": 0}
    times = [at or row["started_at"] for row in rows]
    connection.execute(
        insert(alert_events),
        [
            row | more | {"observed_at": moment, "decided_at": moment}
            for row, moment in zip(rows, times, strict=True)
        ],
    )
