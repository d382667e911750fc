"""What the recorder does in PostgreSQL beside writing live readings: alerts, positions, pruning."""

import os
from pathlib import Path

from sqlalchemy import Connection, delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert

from citywx.staging.position import Checkpoint, Position, hash_before
from citywx.warehouse.tables import consumer_positions, live_readings, weather_readings
from citywx.weather.reading import UnreadableError, parse_timestamp
from streaming.alerts_log import read_events
from streaming.messages import encode_body

READINGS_CONSUMER = "recorder"
ALERTS_CONSUMER = "recorder-alerts"
_ALERTS_BATCH = 2_000
PRUNE_BATCH = 5_000
_INSERT_ALERTS = text("""
    INSERT INTO alerts (
        alert_id, event, rule_id, city, severity, metric, value, limit_value, message, observed_at,
        decided_at, latency_ms, segment, byte_offset
    )
    SELECT * FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS event (
        alert_id text, event text, rule_id text, city text, severity text, metric text,
        value double precision, limit_value double precision, message text,
        observed_at timestamptz, decided_at timestamptz, latency_ms double precision,
        segment text, byte_offset bigint
    )
    ON CONFLICT DO NOTHING
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
        rows, end = [], start
        for event, after in read_events(descriptor, start):
            if event is not None and (row := _alert_row(event)) is not None:
                rows.append(row)
            end = after
            if len(rows) >= _ALERTS_BATCH:
                break
        if rows:
            events = encode_body(rows).decode()
            connection.execute(_INSERT_ALERTS, {"events": events})
        if end != start or known is None:
            place = Checkpoint(Position("000000-alerts", end), hash_before(descriptor, end))
            save_position(connection, ALERTS_CONSUMER, place)
        return len(rows)
    finally:
        os.close(descriptor)


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


_SAME_NAME = ("alert_id", "event", "rule_id", "city", "severity", "metric", "value", "message")


def _alert_row(event: dict[str, object]) -> dict[str, object] | None:
    """The row of an event; None when the line is no event of ours."""
    try:
        return {name: event[name] for name in (*_SAME_NAME, "latency_ms", "segment")} | {
            "limit_value": event["limit"],
            "observed_at": parse_timestamp(str(event["observed_at"])),
            "decided_at": parse_timestamp(str(event["decided_at"])),
            "byte_offset": event["offset"],
        }
    except (KeyError, UnreadableError):
        return None
