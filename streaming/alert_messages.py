"""What the alerter says of an alert: the line in `alerts.ndjson`, and the messages on MQTT."""

from datetime import datetime, timedelta

from citywx.weather.alerting.events import AlertEvent
from citywx.weather.reading import format_timestamp
from streaming.broker import Message
from streaming.messages import ALERTS, LogReading, alert_state_topic

_NEWS = timedelta(days=1)
"""Weather observed longer ago is history: its alerts are recorded, and nobody is written to."""


def event_body(
    event: AlertEvent, segment: str, offset: int, decided_at: datetime
) -> dict[str, object]:
    """The event as JSON has it; the place in the log is that of the reading that set it off."""
    return {
        "v": 1,
        "alert_id": event.alert_id,
        "event": event.event.value,
        "rule_id": event.rule_id,
        "kind": event.kind.value,
        "city": event.city,
        "severity": event.severity.value,
        "metric": event.metric,
        "value": event.value,
        "limit": event.limit,
        "message": event.message,
        "advice": event.advice,
        "observed_at": format_timestamp(event.observed_at),
        "started_at": format_timestamp(event.started_at),
        "decided_at": format_timestamp(decided_at),
        "peak": event.peak,
        "peak_at": format_timestamp(event.peak_at),
        "readings": event.readings,
        "suspect": event.suspect,
        "segment": segment,
        "offset": offset,
        "notify": event.notify and decided_at - event.observed_at <= _NEWS,
        "inhibited_by": event.inhibited_by,
        "details": event.details,
    }


def latency(item: LogReading, decided_at: datetime) -> dict[str, object]:
    """How long the decision took, and from when that counts."""
    written = item.reading.fetched_at
    counted_from, since = ("write", written) if written else ("read", item.read_at)
    took = (decided_at - since) / timedelta(milliseconds=1) if since else None
    return {
        "latency_ms": None if took is None else round(took, 3),
        "latency_from": counted_from,
    }


NO_LATENCY: dict[str, object] = {"latency_ms": None, "latency_from": "clock"}
"""Of what the passing of time has set off."""


def messages(event: AlertEvent, body: bytes) -> list[Message]:
    """The event for those who listen, and the state for those who come later."""
    topic = alert_state_topic(event.rule_id, event.city)
    return [Message(ALERTS, body), Message(topic, body, retained=True)]
