"""The files of the log: which there are, in which order, and what identifies each.

`readings.csv` is the newest segment; closed ones are `readings-<sequence>.csv` beside it. The
newest segment's sequence is one more than the greatest closed one, so the newest closed segment
is never deleted.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from citywx.staging.position import Position
from citywx.weather.reading import header_layout

MAX_LINE_BYTES = 16 * 1024
BOM = b"\xef\xbb\xbf"
_IDENTIFY_BYTES = 4 * MAX_LINE_BYTES


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """One file of the log."""

    path: Path
    sequence: int
    closed: bool


def list_segments(readings_csv: Path) -> list[SegmentFile]:
    """All segments on disk in log order; the open one last, whether or not its file exists."""
    pattern = re.compile(rf"{re.escape(readings_csv.stem)}-(\d{{1,12}})\.csv")
    closed = sorted(
        (
            SegmentFile(path, int(match[1]), closed=True)
            for path in _siblings(readings_csv)
            if (match := pattern.fullmatch(path.name))
        ),
        key=lambda segment: segment.sequence,
    )
    newest = closed[-1].sequence if closed else 0
    return [*closed, SegmentFile(readings_csv, newest + 1, closed=False)]


def open_regular(path: Path) -> int | None:
    """Open a file of the log for reading; None when it is absent or no regular file.

    Symbolic links, FIFOs and folders are not followed or waited for. Raises PermissionError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor


def identify(descriptor: int, sequence: int) -> str | None:
    """The segment's name, or None until it has one complete data line."""
    head = os.pread(descriptor, _IDENTIFY_BYTES, 0).removeprefix(BOM)
    while head:
        line, end, head = head.partition(b"\n")
        if not end and len(line) <= MAX_LINE_BYTES:
            return None
        line = line.removesuffix(b"\r")
        if line.strip() and header_layout(line) is None:
            digest = hashlib.sha256(line[:MAX_LINE_BYTES]).hexdigest()[:12]
            return f"{sequence:06d}-{digest}"
    return None


def deletable_segments(readings_csv: Path, positions: Iterable[Position]) -> list[SegmentFile]:
    """Closed segments that every given consumer is past; never the newest closed one."""
    closed = [segment for segment in list_segments(readings_csv) if segment.closed][:-1]
    reached = [position.sequence for position in positions]
    return [segment for segment in closed if reached and segment.sequence < min(reached)]


def _siblings(readings_csv: Path) -> list[Path]:
    try:
        return list(readings_csv.parent.iterdir())
    except FileNotFoundError:
        return []
