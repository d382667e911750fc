"""A log's folder, what happens to its files, and which lines stand in it afterwards."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from citywx.staging.appender import Appender
from citywx.weather.reading import COLUMNS, Reading, to_csv_line

HEADER = (",".join(COLUMNS) + "\n").encode()
START = datetime(2026, 3, 1, tzinfo=UTC)
KEY_BYTES = len("2026-03-01T00:00:00Z")
"""What a line begins with names it, also where the rest is missing."""
_ASIDE = "put-aside"


class LogFolder:
    """The newest file and the closed ones, with the names of the lines in each."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "readings.csv"
        self.closed: list[list[bytes]] = []
        self.lines: list[bytes] = []
        """Whole lines of the newest file."""
        self.half = b""
        """Its unfinished last line."""
        self.old: Path | None = None
        """The file just renamed, while there is no new one: its writer may still have it open."""
        self.blocked = False
        """Whether something else stands in the newest file's place for now."""
        self._number = 0
        self._create()

    @property
    def sequence(self) -> int:
        """The newest file's."""
        return len(self.closed) + 1

    def names(self) -> list[bytes]:
        """All lines of the log that have ended, in order.

        The unfinished line of a file just renamed has not, until there is a new file: its writer
        may still finish it.
        """
        names = [name for file in (*self.closed, self.lines) for name in file]
        renamed = self._closed_path()
        pending = (
            not self.path.exists() and renamed.exists() and not renamed.read_bytes().endswith(b"\n")
        )
        return names[:-1] if pending else names

    def append(self, count: int, padding: int = 0, end: bytes = b"\n") -> None:
        """Append lines with one write; an unfinished one is finished first."""
        rest = b""
        if self.half:
            rest = self._row(self._number, padding)[len(self.half) :] + end
            self._finish_half()
        rows = [self._next(padding) + end for _ in range(count)]
        self._write(rest + b"".join(rows))

    def append_half(self, length: int) -> None:
        """Append the beginning of a line."""
        if not self.half:
            self.half = self._row(self._number, 0)[: KEY_BYTES + length]
            self._write(self.half)

    def append_blank(self, data: bytes) -> None:
        """Append blank lines."""
        if not self.half:
            self._write(data)

    def append_as_poller(self, count: int, *, rotate: bool) -> None:
        """A new writer of ours: closes the line that the one before has left unfinished."""
        self.come_back()
        if self.half:
            self._finish_half()
        readings = [Reading(START + self._age(self._number + n), "Oslo") for n in range(count)]
        with Appender(self.path, rotate_bytes=1 if rotate else 1 << 40) as appender:
            appender.append(readings)
        self.lines += [self._name(self._number + n) for n in range(count)]
        self._number += count
        self.old = None
        if rotate:
            self._close()

    def rename(self) -> None:
        """Rotate by a rename; the new file comes with the next line."""
        self._close()
        self.old = self._closed_path()
        self.path.rename(self.old)

    def append_to_renamed(self, count: int) -> None:
        """The writer still has the file open that was renamed."""
        if self.old is not None:
            rows = [self._row(self._number + n, 0) + b"\n" for n in range(count)]
            self.closed[-1] += [self._name(self._number + n) for n in range(count)]
            self._number += count
            with self.old.open("ab") as file:
                torn = not self.old.read_bytes().endswith(b"\n")
                file.write(b"\n" * torn + b"".join(rows))

    def truncate(self, kept: int) -> int:
        """Cut the newest file behind its first lines, none at all for 0; its size then."""
        whole = self.path.read_bytes().split(b"\n")[:-1]
        ends = [n for n, row in enumerate(whole, 1) if row.strip() and row + b"\n" != HEADER]
        kept = min(kept, len(ends), len(self.lines))
        self.half, self.lines = b"", self.lines[:kept]
        size = sum(len(row) + 1 for row in whole[: ends[kept - 1]]) if kept else 0
        os.truncate(self.path, size)
        return size

    def copy_and_truncate(self) -> None:
        """As logrotate's copytruncate does."""
        self.path.with_name("readings.csv.1").write_bytes(self.path.read_bytes())
        self.truncate(0)

    def delete(self) -> None:
        """Delete the newest file."""
        self.path.unlink()
        self.lines, self.half, self.old = [], b"", None

    def block(self, kind: str) -> None:
        """Put something else in the newest file's place, and the file aside."""
        if self.blocked or not self.path.exists():
            return
        self.blocked = True
        aside = self.path.with_name(_ASIDE)
        self.path.rename(aside)
        if kind == "folder":
            self.path.mkdir()
        elif kind == "fifo":
            os.mkfifo(self.path)
        else:
            self.path.symlink_to(aside)

    def come_back(self) -> None:
        """Put the file back."""
        if self.blocked:
            self.blocked = False
            if self.path.is_dir() and not self.path.is_symlink():
                self.path.rmdir()
            else:
                self.path.unlink()
            self.path.with_name(_ASIDE).rename(self.path)

    def _closed_path(self) -> Path:
        return self.path.with_name(f"readings-{self.sequence - 1:06d}.csv")

    def _create(self) -> None:
        self.path.write_bytes(HEADER)

    def _write(self, data: bytes) -> None:
        self.come_back()
        with self.path.open("ab") as file:
            if file.tell() == 0:
                file.write(HEADER)
            file.write(data)
        self.old = None

    def _close(self) -> None:
        self.come_back()
        if self.half:
            self._finish_half()
        self.closed.append(self.lines)
        self.lines = []

    def _finish_half(self) -> None:
        self.lines.append(self._name(self._number))
        self._number += 1
        self.half = b""

    def _next(self, padding: int) -> bytes:
        row = self._row(self._number, padding)
        self.lines.append(self._name(self._number))
        self._number += 1
        return row

    @staticmethod
    def _age(number: int) -> timedelta:
        return timedelta(seconds=number)

    def _row(self, number: int, padding: int) -> bytes:
        moment = START + self._age(number)
        sky = "x" * padding or None
        row = Reading(moment, "Oslo", 20.5, weather=sky, fetched_at=moment)
        return to_csv_line(row).removesuffix(b"\n")

    def _name(self, number: int) -> bytes:
        return self._row(number, 0)[:KEY_BYTES]
