"""A process's place in the log, as it announces it on its retained topic and as others read it.

Now and then the message holds the process's metrics too.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from citywx.staging.position import Position
from citywx.weather.reading import UnreadableError, format_timestamp, parse_timestamp
from streaming.broker import Message
from streaming.messages import encode_body, status_topic
from streaming.metrics_snapshot import Metrics, read_snapshot, snapshot
from streaming.mqtt import Connection

RUNNING, STOPPED, LOST = "running", "stopped", "lost"
_CHANGED_SECONDS = 0.25
_UNCHANGED_SECONDS = 2.0
_METRICS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Status:
    """What a process said about itself."""

    process: str
    state: str
    """RUNNING, STOPPED, or LOST (its last will)."""
    position: Position | None
    said_at: datetime | None = None
    """None in a last will: nobody knew when it would be sent."""
    metrics: Metrics | None = None
    """None where the message holds none, as most do not."""


def will_of(process: str) -> Message:
    """The last will: the broker publishes it when the process is gone without a word."""
    return _message(process, LOST, None)


def read_status(message: Message) -> Status | None:
    """The status in a message, or None when it holds none."""
    try:
        body = json.loads(message.payload)
        place = body["segment"]
        position = None if place is None else Position(str(place), int(body["offset"]))
        if position is not None and position.sequence < 0:
            return None
        return Status(
            str(body["process"]),
            str(body["state"]),
            position,
            said_at=_read_time(body.get("at")),
            metrics=read_snapshot(body.get("metrics")),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


class Announcer:
    """Publishes a process's status: every 250 ms while it moves, every 2 s while it does not.

    Its metrics go with it every 2 s, so that most messages are small.
    """

    def __init__(self, connection: Connection, process: str) -> None:
        self._connection = connection
        self._process = process
        self._said: Position | None = None
        self._said_at = 0.0
        self._counted_at = -_METRICS_SECONDS
        self._session = 0

    def announce(self, position: Position | None) -> None:
        """Publish where the process is, if that is due."""
        now = time.monotonic()
        pause = _UNCHANGED_SECONDS if position == self._said else _CHANGED_SECONDS
        if now - self._said_at < pause and self._session == self._connection.session:
            return
        counting = now - self._counted_at >= _METRICS_SECONDS
        sent = self._publish(RUNNING, position, snapshot() if counting else None)
        if sent is not None:
            self._said, self._said_at = position, now
            self._session = self._connection.session
            self._counted_at = now if counting else self._counted_at

    def say_stopped(self, position: Position | None) -> None:
        """Replace the retained status by one that says the process was stopped."""
        self._publish(STOPPED, position, snapshot())

    def _publish(
        self, state: str, position: Position | None, metrics: Metrics | None
    ) -> int | None:
        message = _message(self._process, state, position, datetime.now(UTC), metrics)
        return self._connection.publish(message, qos=0)


def _message(
    process: str,
    state: str,
    position: Position | None,
    said_at: datetime | None = None,
    metrics: Metrics | None = None,
) -> Message:
    body: dict[str, object] = {
        "v": 1,
        "process": process,
        "state": state,
        "segment": position.segment if position else None,
        "offset": position.offset if position else None,
    }
    if said_at is not None:
        body["at"] = format_timestamp(said_at)
    if metrics is not None:
        body["metrics"] = metrics
    return Message(status_topic(process), encode_body(body), retained=True)


def _read_time(text: object) -> datetime | None:
    try:
        return parse_timestamp(text) if isinstance(text, str) else None
    except UnreadableError:
        return None
