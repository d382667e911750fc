"""Ranges of the log for consumers on other hosts: a request comes in, a part of the log goes out.

A request (MQTT 5, with a response topic) is `{"v": 1, "segment", "offset", "before"}`: a
checkpoint, or nulls for the log's beginning. The answer is NDJSON: first an object that says how
far it goes (`segment`, `offset`, `before`) and whether that is the log's present `end`, then
readings as on `weather/readings/batch`. The asker asks again from there; nothing is kept for it
that it needs.
"""

import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from citywx.staging.lines import Line
from citywx.staging.position import Checkpoint, Position
from citywx.staging.tail import Tail
from streaming.bridge_metrics import REPLAYED
from streaming.broker import Message
from streaming.composer import Composer
from streaming.messages import REPLAY_RESPONSES, encode_body

_log = logging.getLogger(__name__)
_READ_BYTES = 64 * 1024
_MAX_ASKERS = 8


class ReplayRequest(msgspec.Struct):
    """What a consumer asks for: the readings behind a checkpoint."""

    v: int
    segment: str | None = None
    offset: int = 0
    before: str = ""

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where to read on; None for the log's beginning. ValueError for no place in a log."""
        if self.segment is None:
            return None
        position = Position(self.segment, self.offset)
        if position.sequence < 0 or self.offset < 0:
            message = "no place in a log"
            raise ValueError(message)
        return Checkpoint(position, self.before)


@dataclass(slots=True)
class _Reader:
    """Where an asker's last answer ended, kept open so that the next one need not search."""

    tail: Tail
    at: Checkpoint | None
    lines: deque[Line] = field(default_factory=deque)


class ReplayDesk:
    """Answers requests for ranges of the log."""

    def __init__(self, readings_csv: Path, earliest: datetime) -> None:
        self._path = readings_csv
        self._earliest = earliest
        self._readers: dict[str, _Reader] = {}

    def answer(self, request: Message) -> Message | None:
        """The next part of the log for the asker; None for what is no request."""
        topic = request.reply_to or ""
        if not topic.startswith(REPLAY_RESPONSES) or "+" in topic or "#" in topic:
            return None
        try:
            asked = msgspec.json.decode(request.payload, type=ReplayRequest).checkpoint
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            _log.warning("a request on %s is none: %s", request.topic, error)
            return None
        reader = self._reader(topic, asked)
        payload = self._part(reader)
        return Message(topic, payload, correlation=request.correlation)

    def _reader(self, topic: str, asked: Checkpoint | None) -> _Reader:
        reader = self._readers.pop(topic, None)
        if reader is not None and (asked is None or reader.at != asked):
            reader.tail.close()
            reader = None
        if reader is None:
            reader = _Reader(Tail(self._path, asked), asked)
        while len(self._readers) >= _MAX_ASKERS:
            self._readers.pop(next(iter(self._readers))).tail.close()
        self._readers[topic] = reader
        return reader

    def _part(self, reader: _Reader) -> bytes:
        if not reader.lines:
            reader.lines.extend(reader.tail.read(_READ_BYTES))
        entries = []
        if reader.lines:
            composer = Composer(reader.at.position if reader.at else None, self._earliest)
            entries = composer.batch(reader.lines, datetime.now(UTC))
        position = entries[-1].end if entries else reader.tail.position
        if position is not None:
            reader.at = reader.tail.checkpoint(position) or reader.at
        head: dict[str, object] = {
            "v": 1,
            "segment": reader.at.position.segment if reader.at else None,
            "offset": reader.at.position.offset if reader.at else 0,
            "before": reader.at.before if reader.at else "",
            "end": not entries,
        }
        body = b""
        for entry in entries:
            if entry.tally.published and entry.message is not None:
                REPLAYED.inc(entry.tally.published)
                body += entry.message.payload
        return encode_body(head) + b"\n" + body
