"""Where a consumer of the log is, and how that is kept on disk.

A checkpoint that is torn, empty, foreign or from a newer version reads as "no checkpoint": the
consumer re-reads the log and drops what it has already seen. It never jumps to the end.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

VERSION = 1
BEFORE_BYTES = 256


@dataclass(frozen=True, slots=True)
class Position:
    """The next unread line: a segment and the byte offset at which the line starts."""

    segment: str
    """`<sequence>-<hash of the first data line>`, e.g. `000001-9f86d081884c`."""
    offset: int

    @property
    def sequence(self) -> int:
        """The segment's place in the log."""
        return int(self.segment.split("-", 1)[0])

    @property
    def order(self) -> tuple[int, int]:
        """By which positions of one log are sorted."""
        return self.sequence, self.offset


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A position, and a hash of the bytes before it so that a changed file is noticed."""

    position: Position
    before: str
    """SHA-256 of the at most 256 bytes before the offset."""


def hash_before(descriptor: int, offset: int) -> str:
    """Hash the at most 256 bytes of an open file before `offset`."""
    start = max(0, offset - BEFORE_BYTES)
    return hashlib.sha256(os.pread(descriptor, offset - start, start)).hexdigest()


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint durably: temporary file, sync, rename; the last one is kept beside it.

    At every moment there is one under `path` once there was one: whoever deletes old segments
    asks there whom to wait for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "version": VERSION,
        "segment": checkpoint.position.segment,
        "offset": checkpoint.position.offset,
        "before": checkpoint.before,
    }
    text = json.dumps(body | {"checksum": _checksum(body)}) + "\n"
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        kept = path.with_name(path.name + ".kept")
        kept.write_bytes(path.read_bytes())
        kept.replace(_previous(path))
    temporary.replace(path)


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint at `path`, else the one before it, else None."""
    return _read(path) or _read(_previous(path))


def _previous(path: Path) -> Path:
    return path.with_name(path.name + ".previous")


def _read(path: Path) -> Checkpoint | None:
    try:
        body = json.loads(path.read_bytes())
        checksum = body.pop("checksum")
        if body["version"] != VERSION or checksum != _checksum(body):
            return None
        position = Position(str(body["segment"]), int(body["offset"]))
        return Checkpoint(position, str(body["before"])) if position.sequence >= 0 else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _checksum(body: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
