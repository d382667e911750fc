"""The alerter's own log, `alerts.ndjson`: one JSON event a line, appended and never rewritten.

Beside alerts it holds what else the alerter's decisions follow from: ticks of the clock that set
something off, with the place in the readings at which they came, and changes of the rules.

A line that a killed writer left unfinished is cut off when the log is opened: its event is decided
again from the readings.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from citywx.staging.position import Position
from citywx.weather.reading import format_timestamp, parse_timestamp
from streaming.messages import encode_body

_CHUNK_BYTES = 1 << 20
EventKey = tuple[str, str, str]
"""Alert id, event and observation time: what makes two events the same."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock set something off before the reading at this place was judged."""

    place: Position
    at: datetime

    def body(self) -> bytes:
        """Its line."""
        place = self.place
        tick = format_timestamp(self.at)
        return encode_body({"v": 1, "tick": tick, "segment": place.segment, "offset": place.offset})


def event_key(event: Mapping[str, object]) -> EventKey:
    """What makes an event's line the same as another's; KeyError for what is none."""
    return str(event["alert_id"]), str(event["event"]), str(event["observed_at"])


class AlertsLog:
    """Appends events, and knows which of the last ones are already written."""

    def __init__(self, path: Path, since: int) -> None:
        """Open the log; events that start at byte `since` or later are remembered by their key."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o640)
        self._cut_torn_line()
        self.size = os.fstat(self._descriptor).st_size
        start = since if since <= self.size else 0
        self.written: set[EventKey] = set()
        self.ticks: list[Tick] = []
        """Those since byte `since`, in their order."""
        for event, _ in read_events(self._descriptor, start):
            if event is not None:
                self._note(event)

    def _note(self, event: dict[str, object]) -> None:
        try:
            if "tick" in event:
                place = Position(str(event["segment"]), int(str(event["offset"])))
                _ = place.order  # ValueError for no place of a log
                self.ticks.append(Tick(place, parse_timestamp(str(event["tick"]))))
            else:
                self.written.add(event_key(event))
        except (KeyError, ValueError):
            return  # a line that is none of ours is passed over

    def append(self, lines: list[bytes]) -> None:
        """Append whole lines (without line ends), or none: OSError when the disk is full."""
        data = b"".join(line + b"\n" for line in lines)
        written = 0
        try:
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += written

    def sync(self) -> None:
        """Make what was appended durable."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def _cut_torn_line(self) -> None:
        size = end = os.fstat(self._descriptor).st_size
        while end:
            start = max(0, end - _CHUNK_BYTES)
            found = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end != size:
            os.ftruncate(self._descriptor, end)


def read_events(descriptor: int, start: int) -> Iterator[tuple[dict[str, object] | None, int]]:
    """The events from byte `start` on with the byte after each; None for a line that is none."""
    while data := os.pread(descriptor, _CHUNK_BYTES, start):
        last = data.rfind(b"\n")
        if last < 0:
            return
        for line in data[:last].split(b"\n"):
            start += len(line) + 1
            yield _event(line), start


def _event(line: bytes) -> dict[str, object] | None:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
