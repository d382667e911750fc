"""The producer's own record of the rows it has written or is about to write.

A fixed-size record a row, synced before the row is appended to the log: what the ledger holds must
be found at the end, and nothing else.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

_RECORD = struct.Struct(">Q32s")


class Ledger:
    """Appends row numbers with the digests of their lines."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Note rows durably."""
        os.write(self._descriptor, b"".join(_RECORD.pack(*row) for row in rows))
        os.fdatasync(self._descriptor)


def count_rows(path: Path) -> int:
    """Rows in the ledger; 0 before there is one."""
    return path.stat().st_size // _RECORD.size if path.exists() else 0


def read_rows(path: Path) -> Iterator[tuple[int, bytes]]:
    """The ledger's rows: number and digest."""
    with path.open("rb") as file:
        while chunk := file.read(_RECORD.size * 10_000):
            yield from _RECORD.iter_unpack(chunk)
