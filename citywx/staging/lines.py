"""One file of the log as whole lines with their offsets: bytes in, lines out.

Memory is bounded whatever the file holds: a line over 16 KiB is reported with its first 4 KiB.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from citywx.staging.segments import BOM, MAX_LINE_BYTES
from citywx.weather.reading import Layout, Reading, UnreadableError, header_layout, parse_line

KEPT_BYTES = 4 * 1024
_CHUNK_BYTES = 1 << 20


class LineKind(Enum):
    """What a physical line is."""

    RECORD = "record"
    HEADER = "header"
    BLANK = "blank"
    OVERSIZE = "longer than 16 KiB"
    UNFINISHED = "unfinished last line of a closed segment"


@dataclass(frozen=True, slots=True)
class Line:
    """A physical line of a segment."""

    segment: str
    offset: int
    """Where it starts."""
    end: int
    """Where the next line starts."""
    data: bytes
    """Without line end; of a line that is too long, the first 4 KiB."""
    kind: LineKind
    layout: Layout


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that is no reading, and why."""

    line: Line
    reason: str


def read_record(line: Line, *, earliest: datetime, latest: datetime) -> Reading | Rejected | None:
    """What a line says: a reading, a rejection with its reason, or None (header, blank line)."""
    if line.kind is LineKind.RECORD:
        try:
            return parse_line(line.data, line.layout, earliest=earliest, latest=latest)
        except UnreadableError as error:
            return Rejected(line, str(error))
    if line.kind in (LineKind.HEADER, LineKind.BLANK):
        return None
    return Rejected(line, line.kind.value)


class LineReader:
    """Reads one open file from an offset on, whole lines only.

    The first header line rules the file's layout, also for a reader that starts behind it; a later
    header that says something else is a record like any other, and is rejected.
    """

    def __init__(self, descriptor: int, segment: str = "", offset: int = 0) -> None:
        """Read the file at `descriptor` (which stays the caller's) from `offset`, a line start."""
        self.segment = segment
        self.offset = offset
        self._descriptor = descriptor
        self._layout = Layout()
        self._scanned = offset  # no line end between offset and here
        if offset:
            for line in LineReader(descriptor, segment).read(_CHUNK_BYTES):
                if line.offset >= offset:
                    break
                if line.kind is LineKind.HEADER:
                    self._layout = line.layout
                    break

    def read(self, limit: int = _CHUNK_BYTES) -> list[Line]:
        """The next whole lines, about `limit` bytes of them; empty at the (present) end."""
        data = os.pread(self._descriptor, max(limit, 2 * MAX_LINE_BYTES), self.offset)
        last = data.rfind(b"\n")
        if last < 0:
            return self._oversize() if len(data) > MAX_LINE_BYTES else []
        lines = []
        offset = self.offset
        for raw in data[:last].split(b"\n"):
            end = offset + len(raw) + 1
            lines.append(self._line(raw, offset, end))
            offset = end
        self._move(offset)
        return lines

    def unfinished(self) -> Line | None:
        """The rest of a file that will not grow any more, as one line, or None."""
        data = os.pread(self._descriptor, MAX_LINE_BYTES, self.offset)
        if not data:
            return None
        end = os.fstat(self._descriptor).st_size
        line = Line(
            self.segment, self.offset, end, data[:KEPT_BYTES], LineKind.UNFINISHED, self._layout
        )
        self._move(end)
        return line

    @property
    def pending(self) -> bool:
        """Whether bytes without a line end stand behind the last whole line."""
        return os.fstat(self._descriptor).st_size > self.offset

    def _line(self, raw: bytes, offset: int, end: int) -> Line:
        if offset == 0:
            raw = raw.removeprefix(BOM)
        raw = raw.removesuffix(b"\r")
        kind = LineKind.RECORD
        if len(raw) > MAX_LINE_BYTES:
            kind, raw = LineKind.OVERSIZE, raw[:KEPT_BYTES]
        elif not raw.strip():
            kind = LineKind.BLANK
        elif (layout := header_layout(raw)) is not None and self._is_header(layout, offset):
            kind = LineKind.HEADER
        return Line(self.segment, offset, end, raw, kind, self._layout)

    def _is_header(self, layout: Layout, offset: int) -> bool:
        if self._layout.columns is None and offset == 0:
            self._layout = layout
        return self._layout.columns in (layout.columns, None)

    def _oversize(self) -> list[Line]:
        start = max(self._scanned, self.offset)
        while data := os.pread(self._descriptor, _CHUNK_BYTES, start):
            found = data.find(b"\n")
            if found >= 0:
                end = start + found + 1
                kept = os.pread(self._descriptor, KEPT_BYTES, self.offset)
                line = Line(self.segment, self.offset, end, kept, LineKind.OVERSIZE, self._layout)
                self._move(end)
                return [line]
            start += len(data)
            self._scanned = start
        return []

    def _move(self, offset: int) -> None:
        self.offset = self._scanned = offset
