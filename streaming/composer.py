"""Lines of the log → the messages that carry them: one each, or many packed into one.

Pure: lines in, entries of the bridge's window out. What is sent when is the bridge's business.
"""

from collections import Counter, deque
from datetime import datetime

from citywx.staging.lines import Line, Rejected, read_record
from citywx.staging.position import Position
from citywx.weather.reading import FUTURE_TOLERANCE, Reading
from streaming.broker import Message
from streaming.line_json import LineJson, usual_json
from streaming.messages import (
    MAX_BATCH_BYTES,
    READINGS,
    READINGS_BATCH,
    REJECTED,
    LogReading,
    encode_reading,
    encode_rejected,
)
from streaming.window import Entry, Tally

_LONGEST_READING_BYTES = 4 * 1024
"""More than any reading's JSON: four texts of at most 200 characters, and numbers."""


class Composer:
    """Composes messages in log order; each says where the last published line before it ended."""

    def __init__(self, published: Position | None, earliest: datetime) -> None:
        """Continue behind `published`. `earliest`: the oldest accepted observation."""
        self.reasons: Counter[str] = Counter()
        """Rejected lines by the kind of their reason, since the owner last cleared it."""
        self._segment = published.segment if published else ""
        self._end = published.offset if published else 0
        self._earliest = earliest

    def single(self, line: Line, now: datetime) -> Entry:
        """The message of one line; none for one that is skipped."""
        found = self._encode(line, now, now + FUTURE_TOLERANCE)
        if found is None or isinstance(found, Rejected):
            return self._other(line, found)
        text, written_at = found
        return Entry(
            Position(line.segment, line.end),
            Tally(published=1, size=line.end - line.offset),
            Message(READINGS, text.encode()),
            written_at,
        )

    def batch(self, lines: deque[Line], now: datetime) -> list[Entry]:
        """Take lines from the front, as many as one message holds; entries in log order.

        A rejected line ends the batch: its message stands between those of its neighbours.
        """
        packed = _Packed()
        latest = now + FUTURE_TOLERANCE
        while lines and packed.has_room(lines[0]):
            found = self._encode(lines[0], now, latest)
            if not isinstance(found, Rejected):
                packed.add(lines.popleft(), found)
            elif packed.last is None:
                return [self._other(lines.popleft(), found)]
            else:
                break
        return packed.entries()

    def _encode(self, line: Line, now: datetime, latest: datetime) -> LineJson | Rejected | None:
        """The line's reading as JSON, and from now on it is the last published line."""
        same = line.segment == self._segment and self._end <= line.offset
        prev_end = self._end if same else 0  # another segment, or one that was begun anew
        found = usual_json(line, prev_end, earliest=self._earliest, latest=latest)
        if found is None:
            record = read_record(line, earliest=self._earliest, latest=latest)
            if not isinstance(record, Reading):
                return record
            payload = encode_reading(_place(record, line, now), prev_end)
            found = payload.decode(), record.fetched_at
        self._segment, self._end = line.segment, line.end
        return found

    def _other(self, line: Line, record: Rejected | None) -> Entry:
        end, size = Position(line.segment, line.end), line.end - line.offset
        if record is None:
            return Entry(end, Tally(skipped=1, size=size), None)
        self.reasons[record.kind] += 1
        message = Message(REJECTED, encode_rejected(record))
        return Entry(end, Tally(rejected=1, size=size), message)


def _place(reading: Reading, line: Line, now: datetime) -> LogReading:
    read_at = None if reading.fetched_at else now
    return LogReading(reading, line.segment, line.offset, line.end, read_at)


class _Packed:
    """Lines whose readings go into one message."""

    def __init__(self) -> None:
        self.last: Line | None = None
        self._texts: list[str] = []
        self._tally = Tally()
        self._written_at: datetime | None = None
        self._room = MAX_BATCH_BYTES - _LONGEST_READING_BYTES

    def has_room(self, line: Line) -> bool:
        """Whether the line fits in: in size, and since it is of the same segment."""
        return self._room > 0 and (self.last is None or line.segment == self.last.segment)

    def add(self, line: Line, found: LineJson | None) -> None:
        """Take in a line; None is one that is skipped."""
        self._tally.size += line.end - line.offset
        self.last = line
        if found is None:
            self._tally.skipped += 1
            return
        text, written_at = found
        self._texts.append(text)
        self._room -= (len(text) if text.isascii() else len(text.encode())) + 1
        self._written_at = self._written_at or written_at

    def entries(self) -> list[Entry]:
        """The one entry; none without a line."""
        if self.last is None:
            return []
        self._tally.published = len(self._texts)
        payload = "".join(f"{text}\n" for text in self._texts).encode()
        message = Message(READINGS_BATCH, payload) if payload else None
        end = Position(self.last.segment, self.last.end)
        return [Entry(end, self._tally, message, self._written_at)]
