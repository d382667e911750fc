"""Writing to the log: whole lines, one write, one writer at a time.

The poller holds the log for its life. A backfill may write beside it: each write takes a turn, and
a turn is a lock on the newest segment itself, so that nobody writes into one that is closed.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from citywx.staging.segments import list_segments
from citywx.weather.reading import COLUMNS, Reading, to_csv_line

_HEADER = (",".join(COLUMNS) + "\n").encode()


class LogInUseError(Exception):
    """Another process already writes to this log."""


class Appender:
    """Appends readings to the newest segment and closes it when it is large.

    A line that an earlier writer left unfinished is closed, and so costs that line alone.
    """

    def __init__(
        self, readings_csv: Path, rotate_bytes: int, *, beside_poller: bool = False
    ) -> None:
        """Open (or create) the log; LogInUseError when another one holds it, unless beside it."""
        self._path = readings_csv
        self._rotate_bytes = rotate_bytes
        readings_csv.parent.mkdir(parents=True, exist_ok=True)
        self._lock = None if beside_poller else self._hold()
        self._descriptor = self._open()
        with self._turn():
            if os.pread(self._descriptor, len(_HEADER), 0) != _HEADER:
                self._rotate()  # somebody else's columns: begin a segment with ours

    def append(self, readings: Sequence[Reading]) -> None:
        """Append the readings, stamped with the time of writing; OSError when the disk is full."""
        if not readings:
            return
        now = datetime.now(UTC)
        lines = b"".join(to_csv_line(reading._replace(fetched_at=now)) for reading in readings)
        with self._turn():
            self._write(lines)
            if os.fstat(self._descriptor).st_size >= self._rotate_bytes:
                self._rotate()

    def sync(self) -> None:
        """See to it that what was appended is on the disk; a closed segment is already."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the log, so that another writer may take it."""
        os.close(self._descriptor)
        if self._lock is not None:
            os.close(self._lock)

    def __enter__(self) -> Self:
        """Use as a context manager that closes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def _hold(self) -> int:
        lock = self._path.with_name(self._path.name + ".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            message = f"{self._path} already has a writer: stop the other poller first"
            raise LogInUseError(message) from None
        return descriptor

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self._path, flags, 0o640)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Be alone with the newest segment, which has its header then."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        while not self._is_newest():  # the other writer has closed it meanwhile
            os.close(self._descriptor)
            self._descriptor = self._open()
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._begin()
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _is_newest(self) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))

    def _begin(self) -> None:
        if os.fstat(self._descriptor).st_size == 0:
            os.write(self._descriptor, _HEADER)

    def _write(self, data: bytes) -> None:
        if self._torn():
            data = b"\n" + data
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _torn(self) -> bool:
        size = os.fstat(self._descriptor).st_size
        return size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def _rotate(self) -> None:
        if self._torn():
            os.write(self._descriptor, b"\n")
        sequence = list_segments(self._path)[-1].sequence
        os.fsync(self._descriptor)
        self._path.rename(self._path.with_name(f"{self._path.stem}-{sequence:06d}.csv"))
        os.close(self._descriptor)
        self._descriptor = self._open()
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._begin()
