"""A process's place in the log, as it announces it on its retained topic and as others read it."""

import json
import time
from dataclasses import dataclass

from citywx.staging.position import Position
from streaming.broker import Message
from streaming.messages import encode_body, status_topic
from streaming.mqtt import Connection

_CHANGED_SECONDS = 0.25
_UNCHANGED_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Status:
    """What a process said about itself."""

    process: str
    state: str
    """running, stopped, or lost (its last will)."""
    position: Position | None


def will_of(process: str) -> Message:
    """The last will: the broker publishes it when the process is gone without a word."""
    return _message(process, "lost", None)


def read_status(message: Message) -> Status | None:
    """The status in a message, or None when it holds none."""
    try:
        body = json.loads(message.payload)
        place = body["segment"]
        position = None if place is None else Position(str(place), int(body["offset"]))
        if position is not None and position.sequence < 0:
            return None
        return Status(str(body["process"]), str(body["state"]), position)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


class Announcer:
    """Publishes a process's status: every 250 ms while it moves, every 2 s while it does not."""

    def __init__(self, connection: Connection, process: str) -> None:
        self._connection = connection
        self._process = process
        self._said: Position | None = None
        self._said_at = 0.0
        self._session = 0

    def announce(self, position: Position | None) -> None:
        """Publish where the process is, if that is due."""
        now = time.monotonic()
        pause = _UNCHANGED_SECONDS if position == self._said else _CHANGED_SECONDS
        if now - self._said_at < pause and self._session == self._connection.session:
            return
        sent = self._connection.publish(_message(self._process, "running", position), qos=0)
        if sent is not None:
            self._said, self._said_at = position, now
            self._session = self._connection.session

    def say_stopped(self, position: Position | None) -> None:
        """Replace the retained status by one that says the process was stopped."""
        self._connection.publish(_message(self._process, "stopped", position), qos=0)


def _message(process: str, state: str, position: Position | None) -> Message:
    body: dict[str, object] = {
        "v": 1,
        "process": process,
        "state": state,
        "segment": position.segment if position else None,
        "offset": position.offset if position else None,
    }
    return Message(status_topic(process), encode_body(body), retained=True)
