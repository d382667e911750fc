"""Where a consumer reads the log itself: from its files, or from the bridge on another host."""

import json
import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from citywx.settings import FillFrom, Settings
from citywx.staging.lines import Line, Rejected, read_record
from citywx.staging.position import Checkpoint, Position
from citywx.staging.tail import Tail
from citywx.weather.reading import FUTURE_TOLERANCE, UnreadableError
from streaming.broker import Message
from streaming.messages import (
    REPLAY_REQUEST,
    LogReading,
    decode_readings,
    encode_body,
    replay_response_topic,
)
from streaming.mqtt import Connection

_log = logging.getLogger(__name__)
_CHUNK_BYTES = 256 * 1024
_ASK_AGAIN_SECONDS = 3.0


class Stretch(NamedTuple):
    """A part of the log."""

    readings: list[LogReading]
    at: Position | None
    """Where the log goes on behind it; None where no line was found yet."""
    end: bool
    """Whether nothing stands behind it at present."""


class LogSource(Protocol):
    """The log, read in stretches."""

    def start(self, checkpoint: Checkpoint | None) -> None:
        """Read on from there; from the log's beginning where it has no such place."""

    def read(self, messages: Sequence[Message], now: float) -> Stretch | None:
        """The next stretch, given the messages that came; None while it is waited for."""

    def checkpoint(self, position: Position) -> Checkpoint | None:
        """The place with a hash of the bytes before it; None where the log lacks it."""

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Whether the bytes before the place are what they were, as far as can be told."""

    def stop(self) -> None:
        """Read no more for now, and let go of files."""


class LogFiles:
    """The log's own files."""

    def __init__(self, readings_csv: Path, earliest: datetime) -> None:
        """`earliest`: the oldest accepted observation."""
        self._path = readings_csv
        self._earliest = earliest
        self._tail: Tail | None = None

    def start(self, checkpoint: Checkpoint | None) -> None:
        """Read on from there."""
        self.stop()
        self._tail = Tail(self._path, checkpoint)

    def read(self, messages: Sequence[Message], now: float) -> Stretch | None:
        """The next stretch; never waits."""
        del messages, now
        if self._tail is None:
            return None
        lines = self._tail.read(_CHUNK_BYTES)
        if not lines:
            return Stretch([], self._tail.position, end=True)
        moment = datetime.now(UTC)
        readings = [item for line in lines if (item := self._reading(line, moment)) is not None]
        return Stretch(readings, Position(lines[-1].segment, lines[-1].end), end=False)

    def checkpoint(self, position: Position) -> Checkpoint | None:
        """The place with a hash of the bytes before it."""
        return (self._tail or Tail(self._path)).checkpoint(position)

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Whether the bytes before the place are what they were."""
        return Tail(self._path).checkpoint(checkpoint.position) in (None, checkpoint)

    def stop(self) -> None:
        """Let go of the file."""
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _reading(self, line: Line, moment: datetime) -> LogReading | None:
        reading = read_record(line, earliest=self._earliest, latest=moment + FUTURE_TOLERANCE)
        if reading is None or isinstance(reading, Rejected):
            return None
        read_at = None if reading.fetched_at else moment
        return LogReading(reading, line.segment, line.offset, line.end, read_at)


class BridgedLog:
    """The log on the bridge's host, asked for part by part over MQTT.

    The bridge checks the place that is asked for; so whether the log was rewritten is known only
    when it is asked.
    """

    def __init__(self, connection: Connection, client_id: str) -> None:
        self._connection = connection
        self._topic = replay_response_topic(client_id)
        self._at: Checkpoint | None = None
        self._question = b""
        self._asked_at = 0.0

    def start(self, checkpoint: Checkpoint | None) -> None:
        """Read on from there."""
        self._at = checkpoint
        self._question = b""

    def read(self, messages: Sequence[Message], now: float) -> Stretch | None:
        """The next stretch once the bridge has answered; asks for it, and again when it is late."""
        for message in messages:
            if message.topic == self._topic and message.correlation == self._question:
                stretch = self._answered(message.payload)
                if stretch is not None:
                    return stretch
        if not self._question or now - self._asked_at > _ASK_AGAIN_SECONDS:
            self._ask(now)
        return None

    def checkpoint(self, position: Position) -> Checkpoint | None:
        """The place, with the hash of the bytes before it where the bridge has told it."""
        if self._at is not None and self._at.position == position:
            return self._at
        return Checkpoint(position, "")

    def holds(self, checkpoint: Checkpoint) -> bool:
        """The bridge says so when it is asked for what stands behind it."""
        del checkpoint
        return True

    def stop(self) -> None:
        """Wait for no answer."""
        self._question = b""

    def _ask(self, now: float) -> None:
        self._asked_at = now
        at = self._at
        body: dict[str, object] = {"v": 1, "segment": None, "offset": 0, "before": ""}
        if at is not None:
            body |= {"segment": at.position.segment, "offset": at.position.offset}
            body |= {"before": at.before}
        question = secrets.token_bytes(8)
        request = Message(
            REPLAY_REQUEST, encode_body(body), reply_to=self._topic, correlation=question
        )
        if self._connection.publish(request) is not None:
            self._question = question

    def _answered(self, payload: bytes) -> Stretch | None:
        head, _, body = payload.partition(b"\n")
        try:
            told = json.loads(head)
            segment, end = told["segment"], bool(told["end"])
            readings = [item for item, _ in decode_readings(body)] if body else []
            position = None if segment is None else Position(str(segment), int(told["offset"]))
            before = str(told["before"])
        except (ValueError, KeyError, TypeError, RecursionError, UnreadableError) as error:
            _log.warning("an answer of the bridge cannot be read, asking again: %s", error)
            return None
        self._question = b""
        if position is not None:
            self._at = Checkpoint(position, before)
        return Stretch(readings, position, end)


def log_source(
    settings: Settings, readings_csv: Path, connection: Connection, client_id: str
) -> LogSource:
    """The source that FILL_FROM names."""
    if settings.fill_from is FillFrom.BRIDGE:
        return BridgedLog(connection, client_id)
    return LogFiles(readings_csv, settings.history_start)
