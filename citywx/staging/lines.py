"""One file of the log as whole lines with their offsets: bytes in, lines out.

Memory is bounded whatever the file holds: a line over 16 KiB is reported with its first 4 KiB.
"""

import os
import re
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from citywx.staging.position import BEFORE_BYTES
from citywx.staging.segments import BOM, MAX_LINE_BYTES
from citywx.weather.reading import Layout, Reading, UnreadableError, header_layout, parse_line

KEPT_BYTES = 4 * 1024
_CHUNK_BYTES = 1 << 20
_SMALL_READ_BYTES = 2 * MAX_LINE_BYTES
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|-?\d[\d:.TZ+-]*")


class LineKind(Enum):
    """What a physical line is."""

    RECORD = "record"
    HEADER = "header"
    BLANK = "blank"
    OVERSIZE = "longer than 16 KiB"
    UNFINISHED = "unfinished last line of a closed segment"


class RewrittenError(Exception):
    """The bytes before the place that was read are no longer what they were."""


class Line(NamedTuple):
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


class Rejected(NamedTuple):
    """A line that is no reading, and why."""

    line: Line
    reason: str

    @property
    def kind(self) -> str:
        """The reason without the values in it: few kinds for many lines."""
        return _VALUES.sub("…", self.reason)


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


class Block(NamedTuple):
    """Whole physical lines of a segment in one piece, for whoever reads many at once."""

    segment: str
    offset: int
    """Where the first line starts."""
    data: bytes
    """The lines with their line ends, or one line of another kind without."""
    layout: Layout
    special: Line | None = None
    """Set where the block is one line that is no plain text of its own: oversize, unfinished."""

    @property
    def end(self) -> int:
        """Where the next line starts."""
        return self.special.end if self.special else self.offset + len(self.data)

    def count_lines(self) -> int:
        """How many lines there are."""
        return 1 if self.special is not None else self.data.count(b"\n")

    def lines(self) -> list[Line]:
        """The lines one by one."""
        if self.special is not None:
            return [self.special]
        return cut_lines(self.segment, self.offset, self.data[:-1], self.layout)


def cut_lines(segment: str, offset: int, data: bytes, layout: Layout) -> list[Line]:
    """Cut whole lines, without the last line end, into what they are; they start at `offset`."""
    # Looked for once in all lines, since nearly none has any of them.
    odd = not offset or b"\r" in data or b"timestamp" in data.lower()
    lines = []
    for raw in data.split(b"\n"):
        end = offset + len(raw) + 1
        if odd or len(raw) > MAX_LINE_BYTES or not raw or raw.isspace():
            text, kind = _sort_out(raw, layout, first=not offset)
        else:
            text, kind = raw, LineKind.RECORD
        lines.append(Line(segment, offset, end, text, kind, layout))
        offset = end
    return lines


def _sort_out(raw: bytes, layout: Layout, *, first: bool) -> tuple[bytes, LineKind]:
    """What of a line is kept, and what it is."""
    text = (raw.removeprefix(BOM) if first else raw).removesuffix(b"\r")
    if len(text) > MAX_LINE_BYTES:
        return text[:KEPT_BYTES], LineKind.OVERSIZE
    if not text or text.isspace():
        return text, LineKind.BLANK
    if b"timestamp" in text.lower() and _is_header(text, layout):
        return text, LineKind.HEADER
    return text, LineKind.RECORD


def _is_header(text: bytes, layout: Layout) -> bool:
    """Whether a line says again what the segment's first line says, or may say."""
    found = header_layout(text)
    return found is not None and layout.columns in (found.columns, None)


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
        self._before = os.pread(descriptor, *_before(offset))
        self._scanned = offset  # no line end between offset and here
        self.more = True
        """Whether more stood behind the bytes of the last read, as far as is known."""
        if offset:
            self._layout = _declared_layout(os.pread(descriptor, 2 * MAX_LINE_BYTES, 0))

    def read(self, limit: int = _CHUNK_BYTES) -> list[Line]:
        """The next whole lines, about `limit` bytes of them; empty at the (present) end.

        RewrittenError when the file is no longer the one that was read up to here.
        """
        block = self.read_block(limit)
        return [] if block is None else block.lines()

    def read_block(self, limit: int = _CHUNK_BYTES) -> Block | None:
        """The next whole lines in one piece; see `read`."""
        known = len(self._before)
        # Beyond this, memory for the answer is dear, and there is mostly little to read.
        size = max(limit, _SMALL_READ_BYTES) if self.more else _SMALL_READ_BYTES
        # One read for both: the bytes that are known, and those that are new.
        found = os.pread(self._descriptor, known + size, self.offset - known)
        if not found.startswith(self._before):
            raise RewrittenError
        self.more = len(found) == known + size
        last = found.rfind(b"\n", known)
        if last < 0:
            return self._oversize() if len(found) - known > MAX_LINE_BYTES else None
        data = found[known : last + 1]
        if self.offset == 0:
            self._layout = _declared_layout(data)
        block = Block(self.segment, self.offset, data, self._layout)
        self._move(block.end, found[max(0, last + 1 - BEFORE_BYTES) : last + 1])
        return block

    def is_unchanged(self) -> bool:
        """Whether the bytes before the place that was read are those that were read."""
        known = len(self._before)
        return os.pread(self._descriptor, known, self.offset - known) == self._before

    def unfinished(self) -> Block | None:
        """The rest of a file that will not grow any more, as one line, or None."""
        data = os.pread(self._descriptor, MAX_LINE_BYTES, self.offset)
        if not data:
            return None
        end = os.fstat(self._descriptor).st_size
        return self._special(end, data[:KEPT_BYTES], LineKind.UNFINISHED)

    @property
    def pending(self) -> bool:
        """Whether bytes without a line end stand behind the last whole line."""
        return os.fstat(self._descriptor).st_size > self.offset

    def _oversize(self) -> Block | None:
        start = max(self._scanned, self.offset)
        while data := os.pread(self._descriptor, _CHUNK_BYTES, start):
            found = data.find(b"\n")
            if found >= 0:
                end = start + found + 1
                kept = os.pread(self._descriptor, KEPT_BYTES, self.offset)
                return self._special(end, kept, LineKind.OVERSIZE)
            start += len(data)
            self._scanned = start
        return None

    def _special(self, end: int, kept: bytes, kind: LineKind) -> Block:
        line = Line(self.segment, self.offset, end, kept, kind, self._layout)
        self._jump(end)
        return Block(self.segment, line.offset, kept, self._layout, line)

    def _jump(self, offset: int) -> None:
        self._move(offset, os.pread(self._descriptor, *_before(offset)))

    def _move(self, offset: int, before: bytes) -> None:
        self.offset = self._scanned = offset
        self._before = before


def _declared_layout(start: bytes) -> Layout:
    """What a file's first line says of its columns, given the file's first bytes."""
    first = start.partition(b"\n")[0].removeprefix(BOM).removesuffix(b"\r")
    return (len(first) <= MAX_LINE_BYTES and header_layout(first)) or Layout()


def _before(offset: int) -> tuple[int, int]:
    """How many bytes before an offset are remembered, and where they start."""
    start = max(0, offset - BEFORE_BYTES)
    return offset - start, start
