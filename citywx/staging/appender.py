"""Writing to the log: whole lines, one write, one writer."""

import fcntl
import os
from collections.abc import Sequence
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

    def __init__(self, readings_csv: Path, rotate_bytes: int) -> None:
        """Open (or create) the log at `readings_csv`; LogInUseError when another one writes it."""
        self._path = readings_csv
        self._rotate_bytes = rotate_bytes
        readings_csv.parent.mkdir(parents=True, exist_ok=True)
        lock = readings_csv.with_name(readings_csv.name + ".lock")
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            message = f"{readings_csv} already has a writer: stop the other poller first"
            raise LogInUseError(message) from None
        self._descriptor = self._open()
        if os.pread(self._descriptor, len(_HEADER), 0) != _HEADER:
            self._rotate()  # somebody else's columns: begin a segment with ours

    def append(self, readings: Sequence[Reading]) -> None:
        """Append the readings, stamped with the time of writing; OSError when the disk is full."""
        if not readings:
            return
        now = datetime.now(UTC)
        self._write(b"".join(to_csv_line(reading._replace(fetched_at=now)) for reading in readings))
        if os.fstat(self._descriptor).st_size >= self._rotate_bytes:
            self._rotate()

    def close(self) -> None:
        """Let go of the log, so that another writer may take it."""
        os.close(self._descriptor)
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

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o640)
        if os.fstat(descriptor).st_size == 0:
            os.write(descriptor, _HEADER)
        return descriptor

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
