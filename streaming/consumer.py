"""Readings in log order for the alerter and the recorder: from MQTT, gaps filled from the log.

A small state machine without a network or a clock of its own: messages and the time go in,
readings come out. It is either *live*, where each message continues where the last one ended, or
*behind*, where it reads the log itself until the log's present end. Messages that come meanwhile
are dropped: they are lines of the log and are read there. So it needs the broker only for speed.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields

from prometheus_client import Counter

from citywx.staging.position import Checkpoint, Position
from citywx.weather.reading import UnreadableError
from streaming.broker import Message
from streaming.log_source import LogSource
from streaming.messages import READINGS, READINGS_BATCH, LogReading, decode_readings

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0

_SEEN = Counter("citywx_consumer_seen", "Readings delivered, messages dropped, gaps", ["what"])


@dataclass(slots=True)
class ConsumerCounts:
    """What the consumer has seen."""

    from_mqtt: int = 0
    """Readings delivered from messages."""
    from_log: int = 0
    """Readings delivered from the log."""
    duplicates: int = 0
    """Readings in messages that had been delivered already."""
    gaps: int = 0
    """Places where something was missing between two messages."""
    unreadable: int = 0
    """Messages that are no readings."""
    messages: int = 0
    """Messages on the topics of readings."""
    bytes: int = 0
    """Bytes in them."""

    def export(self, exported: "ConsumerCounts") -> None:
        """Add what is new since `exported` to the metrics, and note it there."""
        for one in fields(self):
            fresh = getattr(self, one.name) - getattr(exported, one.name)
            if fresh:
                _SEEN.labels(one.name).inc(fresh)
                setattr(exported, one.name, getattr(self, one.name))


class LogConsumer:
    """Delivers every reading of the log once and in its order, from a checkpoint on."""

    def __init__(self, source: LogSource, checkpoint: Checkpoint | None) -> None:
        """Start at `checkpoint`, else at the log's beginning."""
        self.counts = ConsumerCounts()
        self._exported = ConsumerCounts()
        self._source = source
        self._here = checkpoint.position if checkpoint else None
        self._known = checkpoint  # the newest place whose bytes before it are known
        self._looked = 0.0
        self._exported_at = 0.0
        self._behind = True
        self._asked = False  # the source waits for its answer to come as a message
        source.start(checkpoint)

    @property
    def behind(self) -> bool:
        """Whether it reads the log itself."""
        return self._behind

    def patience(self, seconds: float) -> float:
        """How long to wait for messages: not at all while the log has more to read."""
        return 0.0 if self._behind and not self._asked else seconds

    @property
    def position(self) -> Position | None:
        """The next line that was not delivered; None before the first."""
        return self._here

    def look(self) -> None:
        """Look into the log at the next `take`: messages may have been missed."""
        if not self._behind:
            self._source.start(self.checkpoint())
            self._behind = True

    def close(self) -> None:
        """Let go of the log."""
        self._source.stop()

    def checkpoint(self) -> Checkpoint | None:
        """The position with the hash of the bytes before it; None before the first reading.

        An older one where the log's bytes are no longer those that were read: to hash what stands
        there now would vouch for lines that nobody has seen.
        """
        if self._here is None:
            return None
        moved = self._known is None or self._known.position != self._here
        if moved and not self._changed_behind():
            self._known = self._source.checkpoint(self._here) or self._known
        return self._known

    def take(self, messages: Sequence[Message], now: float) -> list[LogReading]:
        """The next readings, given the messages that came; `now` in monotonic seconds."""
        if now - self._exported_at >= _LOOK_SECONDS:
            self._exported_at = now
            self.counts.export(self._exported)
        if self._behind:
            self._looked = now
            return self._read_log(messages, now)
        readings = self._follow(messages) if messages else []
        if readings:
            self._looked = now
        elif now - self._looked > _LOOK_SECONDS:
            # Silence, or only what was delivered already: after an outage the bridge catches up
            # with lines that were read here, and the newest stand at the end of its queue.
            self._looked = now
            self.look()
        return readings

    def _follow(self, messages: Sequence[Message]) -> list[LogReading]:
        """The readings that continue where the last one ended, up to the first gap."""
        readings: list[LogReading] = []
        for message in messages:
            if message.topic not in (READINGS, READINGS_BATCH):
                continue
            self.counts.messages += 1
            self.counts.bytes += len(message.payload)
            try:
                items = decode_readings(message.payload)
            except UnreadableError as error:
                self.counts.unreadable += 1
                if self.counts.unreadable == 1:
                    _log.warning("a message on %s: %s", message.topic, error)
                continue
            complete = self._continue(items, readings)
            if not complete:
                self.counts.gaps += 1
                self.look()
                break  # the rest is read from the log
        self.counts.from_mqtt += len(readings)
        return readings

    def _continue(self, items: list[tuple[LogReading, int]], readings: list[LogReading]) -> bool:
        """Put what is new behind `readings`; False where something is missing before it."""
        here = self._here
        segment, offset = (here.segment, here.offset) if here else ("", 0)
        complete = True
        for item, prev_end in items:
            if item.segment == segment:
                if item.end <= offset:
                    self.counts.duplicates += 1
                    continue
                complete = prev_end <= offset <= item.offset
            else:
                if here is not None and item.next_position.sequence < here.sequence:
                    self.counts.duplicates += 1
                    continue
                complete = False
            if not complete:
                break
            readings.append(item)
            offset = item.end
        if here is not None and offset != here.offset:
            self._here = Position(segment, offset)
        return complete

    def _changed_behind(self) -> bool:
        """Whether the log's bytes are not those that were read: reading then begins anew."""
        return self._known is not None and not self._source.holds(self._known)

    def _read_log(self, messages: Sequence[Message], now: float) -> list[LogReading]:
        stretch = self._source.read(messages, now)
        self._asked = stretch is None
        if stretch is None:
            return []
        if stretch.at is not None:
            self._here = stretch.at
        if stretch.end:
            if self._here is not None:
                self._known = self._source.checkpoint(self._here) or self._known
            self._source.stop()
            self._behind = False
        self.counts.from_log += len(stretch.readings)
        return stretch.readings
