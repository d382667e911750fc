"""What the recorder does in PostgreSQL beside writing live readings: alerts, positions, pruning."""

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection, delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert

from citywx.staging.position import Checkpoint, Position, hash_before
from citywx.warehouse.tables import consumer_positions, live_readings, weather_readings
from citywx.weather.alerting.policy import Severity
from citywx.weather.reading import UnreadableError, parse_timestamp
from streaming.alerts_log import read_events
from streaming.messages import encode_body

READINGS_CONSUMER = "recorder"
ALERTS_CONSUMER = "recorder-alerts"
_ALERTS_BATCH = 2_000
PRUNE_BATCH = 5_000
_RECORD_EVENTS = text("""
    WITH fresh AS (
        INSERT INTO alert_events (
            alert_id, event, rule_id, kind, city, severity, metric, value, limit_value, message,
            advice, started_at, peak, peak_at, readings, suspect, notify, inhibited_by, details,
            observed_at, decided_at, latency_ms, segment, byte_offset
        )
        SELECT alert_id, event, rule_id, kind, city, severity, metric, value, limit_value, message,
            advice, started_at, peak, peak_at, readings, suspect, notify, inhibited_by, details,
            observed_at, decided_at, latency_ms, segment, byte_offset
        FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS event (
            place integer, alert_id text, event text, rule_id text, kind text, city text,
            severity text, metric text, value double precision, limit_value double precision,
            message text, advice text, started_at timestamptz, peak double precision,
            peak_at timestamptz, readings integer, suspect boolean, notify boolean,
            inhibited_by text[], details jsonb, observed_at timestamptz, decided_at timestamptz,
            latency_ms double precision, segment text, byte_offset bigint
        )
        ORDER BY place
        ON CONFLICT DO NOTHING
        RETURNING *
    ), story AS (
        SELECT alert_id, max(array_position(CAST(:severities AS text[]), severity)) AS worst,
            min(observed_at) FILTER (WHERE event = 'fired') AS fired_at
        FROM fresh GROUP BY alert_id
    ), last AS (
        SELECT DISTINCT ON (alert_id) * FROM fresh ORDER BY alert_id, event_no DESC
    )
    INSERT INTO alerts AS alert (
        alert_id, state, worst_severity, rule_id, kind, city, severity, metric, value, limit_value,
        message, advice, started_at, peak, peak_at, readings, suspect, notify, inhibited_by,
        details, fired_at, resolved_at, last_observed_at
    )
    SELECT alert_id,
        CASE WHEN event IN ('pending', 'resolved', 'cancelled') THEN event ELSE 'firing' END,
        (CAST(:severities AS text[]))[worst], rule_id, kind, city, severity, metric, value,
        limit_value, message, advice, started_at, peak, peak_at, readings, suspect, notify,
        inhibited_by, details, fired_at,
        CASE WHEN event IN ('resolved', 'cancelled') THEN observed_at END, observed_at
    FROM last JOIN story USING (alert_id)
    ON CONFLICT (alert_id) DO UPDATE SET
        state = EXCLUDED.state,
        worst_severity = (CAST(:severities AS text[]))[greatest(
            array_position(CAST(:severities AS text[]), alert.worst_severity),
            array_position(CAST(:severities AS text[]), EXCLUDED.worst_severity)
        )],
        severity = EXCLUDED.severity,
        value = EXCLUDED.value,
        limit_value = EXCLUDED.limit_value,
        message = EXCLUDED.message,
        peak = EXCLUDED.peak,
        peak_at = EXCLUDED.peak_at,
        readings = EXCLUDED.readings,
        suspect = EXCLUDED.suspect,
        notify = alert.notify OR EXCLUDED.notify,
        details = EXCLUDED.details,
        fired_at = coalesce(alert.fired_at, EXCLUDED.fired_at),
        resolved_at = EXCLUDED.resolved_at,
        last_observed_at = EXCLUDED.last_observed_at,
        updated_at = now()
""")


def load_position(connection: Connection, consumer: str) -> Checkpoint | None:
    """Where the consumer is; None before its first row."""
    row = connection.execute(
        select(consumer_positions).where(consumer_positions.c.consumer == consumer)
    ).one_or_none()
    return Checkpoint(Position(row.segment, row.byte_offset), row.before) if row else None


def save_position(connection: Connection, consumer: str, checkpoint: Checkpoint) -> None:
    """Note where the consumer is, in the transaction of the rows before it."""
    values = {
        "segment": checkpoint.position.segment,
        "byte_offset": checkpoint.position.offset,
        "before": checkpoint.before,
    }
    statement = insert(consumer_positions).values(consumer=consumer, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["consumer"], set_=values | {"updated_at": func.now()}
        )
    )


def write_alerts(connection: Connection, path: Path) -> int:
    """Write the next events of `alerts.ndjson`, and how far it was read; how many were new."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        known = load_position(connection, ALERTS_CONSUMER)
        start = known.position.offset if known else 0
        if known and hash_before(descriptor, start) != known.before:
            start = 0  # another file: events that are known change nothing
        events: list[dict[str, object]] = []
        end = start
        for event, end in read_events(descriptor, start):  # noqa: B007 - the last one is kept
            if event is not None:
                events.append(event)
            if len(events) >= _ALERTS_BATCH:
                break
        written = record_events(connection, events)
        if end != start or known is None:
            place = Checkpoint(Position("000000-alerts", end), hash_before(descriptor, end))
            save_position(connection, ALERTS_CONSUMER, place)
        return written
    finally:
        os.close(descriptor)


def record_events(connection: Connection, events: Iterable[dict[str, object]]) -> int:
    """Write alert events and what they make of their alerts; how many lines were events."""
    found = (_alert_row(event, place) for place, event in enumerate(events))
    rows = [row for row in found if row is not None]
    if rows:
        bound = {
            "events": encode_body(rows).decode(),
            "severities": [severity.value for severity in Severity],
        }
        connection.execute(_RECORD_EVENTS, bound)
    return len(rows)


def prune_live(connection: Connection) -> int:
    """Delete some live rows that the batch layer has reached; how many were deleted."""
    live, cleaned = live_readings, weather_readings
    reached = exists().where(cleaned.c.city == live.c.city, cleaned.c.timestamp == live.c.timestamp)
    some = select(live.c.source, live.c.city, live.c.timestamp).where(reached).limit(PRUNE_BATCH)
    chosen = some.subquery()
    deleted = connection.execute(
        delete(live).where(
            live.c.source == chosen.c.source,
            live.c.city == chosen.c.city,
            live.c.timestamp == chosen.c.timestamp,
        )
    )
    return deleted.rowcount


_SAME_NAME = (
    *("alert_id", "event", "rule_id", "city", "severity", "metric", "value", "message", "segment"),
    "latency_ms",
)
_TIMES = ("observed_at", "decided_at", "started_at", "peak_at")


def _alert_row(event: dict[str, object], place: int) -> dict[str, object] | None:
    """The row of an event; None when the line is no event of ours.

    Lines of the first version lack what was added since.
    """
    if not event.keys() >= _SAME_NAME_SET:
        return None
    known = _ADDED | {"started_at": event.get("observed_at"), "peak_at": None} | event
    try:
        times = {name: known[name] and parse_timestamp(str(known[name])) for name in _TIMES}
        row = {name: known[name] for name in (*_SAME_NAME, *_ADDED)}
        limit, offset = event["limit"], event["offset"]
    except (KeyError, UnreadableError):
        return None
    return {**row, **times, "limit_value": limit, "byte_offset": offset, "place": place}


_SAME_NAME_SET = frozenset(_SAME_NAME)
_ADDED: dict[str, object] = {
    "kind": "rule",
    "advice": "",
    "peak": None,
    "readings": 1,
    "suspect": False,
    "notify": False,
    "inhibited_by": [],
    "details": {},
}
