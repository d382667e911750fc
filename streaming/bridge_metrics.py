"""What the bridge counts and measures for /metrics."""

from collections import Counter as Counts
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram

from citywx.staging.lines import Line
from streaming.broker import Message
from streaming.messages import READINGS, READINGS_BATCH, REJECTED
from streaming.window import Entry, Tally, Window

_USUAL_LINE_BYTES = 90

_LINES = Counter("citywx_bridge_lines", "Lines of the log that the position has passed", ["fate"])
_PUBLISHED = _LINES.labels("published")
_BYTES = Counter("citywx_bridge_bytes", "Bytes of the log that the position has passed")
_MESSAGES = Counter("citywx_bridge_messages", "Messages published", ["topic"])
_REJECTED = Counter("citywx_bridge_rejected", "Lines read that are no readings", ["reason"])
_ACKNOWLEDGED = Histogram(
    "citywx_bridge_acknowledged_seconds",
    "From the writing of a line to its acknowledgement; of each group that is acknowledged"
    " together, its first",
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 60),
)
_IN_FLIGHT = Gauge("citywx_bridge_in_flight", "Messages sent and not yet acknowledged")
_BACKLOG_BYTES = Gauge("citywx_bridge_backlog_bytes", "Bytes of the log that are not published")
_BACKLOG_ROWS = Gauge("citywx_bridge_backlog_rows", "Lines that are not published, about")
_BACKLOG_SECONDS = Gauge("citywx_bridge_backlog_seconds", "Age of the oldest line in flight")
REFUSED = Counter("citywx_bridge_refused", "Publishes that the broker refused", ["code"])
DROPPED = Gauge("citywx_mqtt_broker_dropped", "Messages that the broker says it has dropped")
REPLAYED = Counter("citywx_bridge_replayed", "Readings sent in answer to weather/replay/request")


_SENT = {topic: _MESSAGES.labels(topic) for topic in (READINGS, READINGS_BATCH, REJECTED)}


def count_sent(messages: Iterable[Message]) -> None:
    """Count messages that were handed to the broker."""
    for topic, count in Counts(message.topic for message in messages).items():
        _SENT[topic].inc(count)


def count_reasons(reasons: Counts[str]) -> None:
    """Count rejected lines, and begin to count anew."""
    for reason, lines in reasons.items():
        _REJECTED.labels(reason).inc(lines)
    reasons.clear()


def count_settled(settled: list[Entry], now: datetime) -> None:
    """Count entries that the position has passed."""
    total = Tally()
    for entry in settled:
        total.add(entry.tally)
    _PUBLISHED.inc(total.published)
    if total.rejected or total.skipped:
        _LINES.labels("rejected").inc(total.rejected)
        _LINES.labels("skipped").inc(total.skipped)
    _BYTES.inc(total.size)
    written_at = settled[0].written_at
    if written_at is not None:
        _ACKNOWLEDGED.observe(max(0.0, (now - written_at).total_seconds()))


def measure(window: Window, waiting: Sequence[Line], unread_bytes: int) -> None:
    """Set the gauges, given the lines that were read and wait, and the bytes behind them."""
    read = waiting[-1].end - waiting[0].offset if waiting else 0
    backlog = unread_bytes + max(0, read)
    line_bytes = read / len(waiting) if read > 0 else _USUAL_LINE_BYTES
    _IN_FLIGHT.set(len(window))
    _BACKLOG_BYTES.set(backlog)
    _BACKLOG_ROWS.set(round(backlog / line_bytes))
    oldest = window.oldest
    written_at = oldest.written_at if oldest else None
    age = (datetime.now(UTC) - written_at).total_seconds() if written_at else 0.0
    _BACKLOG_SECONDS.set(max(0.0, age))
