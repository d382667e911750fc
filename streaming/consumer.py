"""Readings in log order for the alerter and the recorder: from MQTT, gaps filled from the CSV.

A small state machine without a network or a clock of its own: messages and the time go in,
readings come out. It is either *live*, where each message continues where the last one ended, or
*behind*, where it reads the log itself until the log's present end. Messages that come meanwhile
are dropped: they are lines of the log and are read there. So it needs the broker only for speed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import Counter

from citywx.staging.lines import Line, Rejected, read_record
from citywx.staging.position import Checkpoint, Position
from citywx.staging.tail import Tail
from citywx.weather.reading import FUTURE_TOLERANCE, UnreadableError
from streaming.messages import READINGS, LogReading, ReadingMessage, decode_reading
from streaming.mqtt import Message

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
_CHUNK_BYTES = 256 * 1024


_SEEN = Counter("citywx_consumer_seen", "Readings delivered, messages dropped, gaps", ["what"])


@dataclass(slots=True)
class ConsumerCounts:
    """What the consumer has seen."""

    from_mqtt: int = 0
    from_log: int = 0
    duplicates: int = 0
    gaps: int = 0
    unreadable: int = 0

    def export(self, exported: "ConsumerCounts") -> None:
        """Add what is new since `exported` to the metrics, and note it there."""
        for one in fields(self):
            fresh = getattr(self, one.name) - getattr(exported, one.name)
            if fresh:
                _SEEN.labels(one.name).inc(fresh)
                setattr(exported, one.name, getattr(self, one.name))


class LogConsumer:
    """Delivers every reading of the log once and in its order, from a checkpoint on."""

    def __init__(
        self, readings_csv: Path, checkpoint: Checkpoint | None, *, earliest: datetime
    ) -> None:
        """Start at `checkpoint`, else at the log's beginning. `earliest`: oldest accepted time."""
        self.counts = ConsumerCounts()
        self._exported = ConsumerCounts()
        self._path = readings_csv
        self._earliest = earliest
        self._tail: Tail | None = Tail(readings_csv, checkpoint)
        self._here = checkpoint.position if checkpoint else None
        self._known = checkpoint  # the newest place whose bytes before it are known
        self._looked = 0.0

    @property
    def behind(self) -> bool:
        """Whether more can be read at once, without waiting for a message."""
        return self._tail is not None

    @property
    def position(self) -> Position | None:
        """The next line that was not delivered; None before the first."""
        return self._here

    def look(self) -> None:
        """Look into the log at the next `take`: messages may have been missed."""
        if self._tail is None:
            changed = self._changed_behind()
            self._tail = Tail(self._path, self._known if changed else self.checkpoint())

    def close(self) -> None:
        """Let go of the log's file."""
        if self._tail is not None:
            self._tail.close()

    def checkpoint(self) -> Checkpoint | None:
        """The position with the hash of the bytes before it; None before the first reading."""
        if self._here is None:
            return None
        if self._known is None or self._known.position != self._here:
            found = (self._tail or Tail(self._path)).checkpoint(self._here)
            self._known = found or self._known
        return self._known

    def take(self, messages: Sequence[Message], now: float) -> list[LogReading]:
        """The next readings, given the messages that came; `now` in monotonic seconds."""
        self.counts.export(self._exported)
        if self._tail is not None:
            found = self._read_log(self._tail)
            self._looked = now
            return found
        readings = []
        for message in messages:
            if message.topic != READINGS:
                continue
            item = self._judge(message, now)
            if item is not None:
                readings.append(item)
            if self._tail is not None:
                break  # the rest is read from the log
        if readings:
            self._looked = now
        elif now - self._looked > _LOOK_SECONDS:
            self._looked = now
            self.look()
        return readings

    def _judge(self, message: Message, now: float) -> LogReading | None:
        """The message's reading when it is the next one; else it is dropped, or a gap found."""
        try:
            decoded = decode_reading(message.payload)
        except UnreadableError as error:
            self.counts.unreadable += 1
            if self.counts.unreadable == 1:
                _log.warning("a message on %s is no reading: %s", READINGS, error)
            return None
        item, here = decoded.item, self._here
        if _is_older(item, here):
            self._duplicate(now)
            return None
        if here is None or not _continues(decoded, here):
            self.counts.gaps += 1
            self.look()
            return None
        self.counts.from_mqtt += 1
        self._here = item.next_position
        return item

    def _duplicate(self, now: float) -> None:
        self.counts.duplicates += 1
        if now - self._looked > _LOOK_SECONDS:
            # Not only messages that came twice: perhaps the log was begun anew.
            self._looked = now
            if self._changed_behind():
                self.look()

    def _changed_behind(self) -> bool:
        """Whether the log's bytes are not those that were read: the tail then begins anew."""
        known = self._known
        return known is not None and Tail(self._path).checkpoint(known.position) not in (
            None,
            known,
        )

    def _read_log(self, tail: Tail) -> list[LogReading]:
        lines = tail.read(_CHUNK_BYTES)
        if not lines:
            self._caught_up(tail)
            return []
        moment = datetime.now(UTC)
        readings = [item for line in lines if (item := self._read_line(line, moment)) is not None]
        self._here = Position(lines[-1].segment, lines[-1].end)
        self.counts.from_log += len(readings)
        return readings

    def _caught_up(self, tail: Tail) -> None:
        if tail.position is not None:
            self._here = tail.position
            self._known = tail.checkpoint(tail.position)
        tail.close()
        self._tail = None

    def _read_line(self, line: Line, moment: datetime) -> LogReading | None:
        reading = read_record(line, earliest=self._earliest, latest=moment + FUTURE_TOLERANCE)
        if reading is None or isinstance(reading, Rejected):
            return None
        read_at = None if reading.fetched_at else moment
        return LogReading(reading, line.segment, line.offset, line.end, read_at)


def _is_older(item: LogReading, here: Position | None) -> bool:
    """Whether the line lies before the place that was reached."""
    if here is None:
        return False
    if item.segment == here.segment:
        return item.end <= here.offset
    return item.next_position.sequence < here.sequence


def _continues(message: ReadingMessage, here: Position) -> bool:
    """Whether nothing was published between the place that was reached and this line."""
    item = message.item
    return item.segment == here.segment and message.prev_end <= here.offset <= item.offset
