"""What the recorder writes to PostgreSQL: live readings, alerts, its positions."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import insert

from citywx.staging.position import Checkpoint, Position, hash_before
from citywx.warehouse.copy_in import copy_lines, copy_number, copy_text, copy_time, create_stage
from citywx.warehouse.tables import alerts, consumer_positions, live_readings, weather_readings
from citywx.weather.reading import UnreadableError, parse_timestamp
from streaming.alerts_log import read_events
from streaming.messages import LogReading

READINGS_CONSUMER = "recorder"
ALERTS_CONSUMER = "recorder-alerts"
_ALERTS_BATCH = 2_000
PRUNE_BATCH = 5_000

_STAGE = "live_stage"
_STAGE_COLUMNS = """
    source text, city text, "timestamp" timestamptz, temperature_c double precision,
    humidity double precision, pressure double precision, wind_speed double precision,
    weather text, fetched_at timestamptz, segment text, byte_offset bigint
"""
_MERGE = text("""
    INSERT INTO live_readings (
        source, city, "timestamp", temperature_c, humidity, pressure, wind_speed, weather,
        fetched_at, segment, byte_offset
    )
    SELECT * FROM live_stage
    ON CONFLICT (source, city, "timestamp") DO UPDATE SET
        temperature_c = excluded.temperature_c, humidity = excluded.humidity,
        pressure = excluded.pressure, wind_speed = excluded.wind_speed,
        weather = excluded.weather, fetched_at = excluded.fetched_at,
        segment = excluded.segment, byte_offset = excluded.byte_offset, received_at = now()
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


def write_readings(connection: Connection, items: Sequence[LogReading]) -> int:
    """Write a batch by COPY; of several lines with one identity the last in the log rules."""
    latest = {
        (reading.source, reading.city, reading.timestamp): item
        for item in items
        for reading in (item.reading,)
    }
    if not latest:
        return 0
    create_stage(connection, _STAGE, _STAGE_COLUMNS)
    copy_lines(connection, _STAGE, map(_copy_line, latest.values()))
    connection.execute(_MERGE)
    return len(latest)


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
            connection.execute(insert(alerts).on_conflict_do_nothing(), rows)
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


def _copy_line(item: LogReading) -> str:
    (timestamp, city, *measures, weather, source, fetched_at), segment, offset, _, _ = item
    temperature, humidity, pressure, wind = map(_number, measures)
    return (
        f"{_text(source)}\t{_text(city)}\t{_time(timestamp)}\t{temperature}\t{humidity}"
        f"\t{pressure}\t{wind}\t{_text(weather)}\t{_time(fetched_at)}\t{segment}\t{offset}\n"
    )


# Cities, words, moments and values come many times over.
_text, _time = lru_cache(4096)(copy_text), lru_cache(4096)(copy_time)
_number = lru_cache(4096)(copy_number)


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
