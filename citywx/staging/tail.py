"""The log as one endless sequence of lines: follows segments, notices what happens to files.

Nothing here waits: `read` returns what is there, and the caller decides when to look again.
"""

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from citywx.staging.lines import Block, Line, LineReader, RewrittenError
from citywx.staging.position import Checkpoint, Position, hash_before
from citywx.staging.segments import SegmentFile, identify, list_segments, open_regular

_log = logging.getLogger(__name__)


class Tail:
    """Reads the log's lines in order, from a checkpoint or from its beginning."""

    def __init__(self, readings_csv: Path, checkpoint: Checkpoint | None = None) -> None:
        """Start at `checkpoint` if the log still has it, else at the oldest line there is."""
        self._path = readings_csv
        self._start = checkpoint
        self._sequence = 0
        self._descriptor: int | None = None
        self._reader: LineReader | None = None
        self._complained = ""
        self.drained = False
        """Whether the last read reached the end of the file that is appended to. Whatever comes
        later, also another file, is then news, of which there are hints."""

    def read(self, limit: int = 1 << 20) -> list[Line]:
        """The next whole lines, about `limit` bytes of them; empty when there are none now."""
        block = self.read_block(limit)
        return [] if block is None else block.lines()

    def read_block(self, limit: int = 1 << 20) -> Block | None:
        """The next whole lines in one piece, about `limit` bytes; None when there are none now."""
        if self._reader is None:
            self._open_next()
        while (reader := self._reader) is not None:
            block = self._read_open(reader, limit)
            if block is not None or self._reader is reader:
                return block
            self._open_next()  # the segment has ended, or the file is another one
        return None

    @property
    def position(self) -> Position | None:
        """Where the next line will be read; None before the first one was found."""
        if self._reader is None:
            return None
        return Position(self._reader.segment, self._reader.offset)

    def checkpoint(self, position: Position) -> Checkpoint | None:
        """A checkpoint at a position that was read; None when its file has gone or was changed."""
        if self._reader is not None and position.segment == self._reader.segment:
            if not self._reader.is_unchanged():
                return None  # else it would vouch for bytes that nobody has read
            return Checkpoint(position, hash_before(self._held, position.offset))
        for segment in list_segments(self._path):
            if segment.sequence == position.sequence:
                descriptor = open_regular(segment.path)
                if descriptor is None:
                    break
                try:
                    return Checkpoint(position, hash_before(descriptor, position.offset))
                finally:
                    os.close(descriptor)
        return None

    def backlog_bytes(self) -> int:
        """Bytes of the log that are not read yet."""
        total = 0
        for segment in list_segments(self._path):
            if segment.sequence > self._sequence or self._reader is None:
                try:
                    total += segment.path.stat().st_size
                except FileNotFoundError:
                    continue
        if self._reader is not None:
            total += max(0, os.fstat(self._held).st_size - self._reader.offset)
        return total

    def close(self) -> None:
        """Let go of the open file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._reader = None

    @property
    def _held(self) -> int:
        if self._descriptor is None:
            message = "the tail holds no open file"
            raise RuntimeError(message)
        return self._descriptor

    def _read_open(self, reader: LineReader, limit: int) -> Block | None:
        gone = self._rotated()  # looked at before reading, so that the old file is drained first
        self.drained = False
        try:
            block = reader.read_block(limit)
        except RewrittenError:
            _log.warning("%s was truncated or rewritten: reading it again", self._path)
            self._reopen()
            return None
        if block is not None or not gone:
            self.drained = not gone and not reader.more
            return block
        last = None
        if self._is_kept():
            last = reader.unfinished()
            self.close()
        else:
            _log.warning("%s was replaced by another file: reading that from its start", self._path)
            self._reopen()
        return last

    def _rotated(self) -> bool:
        """Whether the held file is no longer the one that is appended to."""
        try:
            here = os.stat(self._path, follow_symlinks=False)  # noqa: PTH116 - often; half the time
        except FileNotFoundError:
            here = None
        if here is not None and stat.S_ISREG(here.st_mode):
            return not self._holds(here)
        if here is not None:
            self._complain_of_place(self._path)
        # Renamed and no new file yet, or put aside: until another one is there, more may come here.
        return not all(map(self._holds, self._closed_from_here()))

    def _is_kept(self) -> bool:
        """Whether the held file is still part of the log, as a closed segment."""
        return any(map(self._holds, self._closed_from_here()))

    def _closed_from_here(self) -> list[os.stat_result]:
        """What the closed files are, from this segment on; one that goes meanwhile is none."""
        found = []
        for segment in list_segments(self._path):
            if segment.closed and segment.sequence >= self._sequence:
                with suppress(FileNotFoundError):
                    found.append(segment.path.stat())
        return found

    def _holds(self, about: os.stat_result) -> bool:
        held = os.fstat(self._held)
        return (about.st_dev, about.st_ino) == (held.st_dev, held.st_ino)

    def _reopen(self) -> None:
        self.close()
        self._sequence -= 1

    def _open_next(self) -> None:
        """Open the segment that follows, if it is there and has a data line."""
        if self._start is not None:
            self._sequence = max(self._sequence, self._start.position.sequence - 1)
        segments = list_segments(self._path)
        if self._start is not None and self._start.position.sequence > segments[-1].sequence:
            _log.warning("the log was begun anew: reading it from its beginning")
            self._start, self._sequence = None, 0
        if segments[-1].sequence <= self._sequence:
            # The newest file was replaced without being kept as a closed segment.
            self._sequence = segments[-1].sequence - 1
        for segment in segments:
            if segment.sequence > self._sequence and not self._pass(segment):
                return

    def _pass(self, segment: SegmentFile) -> bool:
        """Open the segment, or pass it over: True for one that holds no line and never will."""
        try:
            descriptor = open_regular(segment.path)
        except PermissionError:
            self._complain(f"{segment.path} may not be read: check its permissions")
            return False
        if descriptor is None:
            if segment.path.is_symlink() or segment.path.exists():
                self._complain_of_place(segment.path)
            return False
        name = identify(descriptor, segment.sequence)
        if name is None:
            os.close(descriptor)
            if segment.closed:
                self._sequence = segment.sequence
            return segment.closed
        self._complained = ""
        self._descriptor = descriptor
        self._sequence = segment.sequence
        self._reader = LineReader(
            descriptor, name, self._start_offset(name, descriptor, closed=segment.closed)
        )
        self._start = None
        return False

    def _start_offset(self, name: str, descriptor: int, *, closed: bool) -> int:
        start = self._start
        if start is None:
            return 0
        offset = start.position.offset
        if start.position.segment != name:
            _log.warning("segment %s is gone: reading %s whole", start.position.segment, name)
        elif (
            offset > os.fstat(descriptor).st_size or hash_before(descriptor, offset) != start.before
        ):
            _log.warning("segment %s is not what it was: reading it again", name)
        elif (
            offset
            and os.pread(descriptor, 1, offset - 1) != b"\n"
            and not (
                closed and offset == os.fstat(descriptor).st_size
            )  # behind its unfinished line
        ):
            _log.warning("position %d of %s is inside a line: reading it again", offset, name)
        else:
            return offset
        return 0

    def _complain_of_place(self, path: Path) -> None:
        self._complain(f"{path} is no regular file: put the log back there")

    def _complain(self, message: str) -> None:
        if message != self._complained:
            _log.error(message)
            self._complained = message
