"""The alerter's own log, `alerts.ndjson`: one JSON event a line, appended and never rewritten.

A line that a killed writer left unfinished is cut off when the log is opened: its event is decided
again from the readings.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

_CHUNK_BYTES = 1 << 20
EventKey = tuple[str, str]
"""Alert id and event: what makes two events the same."""


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
        self.written = {
            (str(event["alert_id"]), str(event["event"]))
            for event, _ in read_events(self._descriptor, start)
            if event is not None and "alert_id" in event and "event" in event
        }

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
