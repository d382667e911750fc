"""The alerter's snapshot: what its book remembers, and the place in both logs up to which it holds.

Torn, foreign or from another version, it reads as none: the alerter then judges the log from its
beginning and drops the events that `alerts.ndjson` already has.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from citywx.staging.position import Checkpoint, Position
from citywx.weather.alerting.memory import Memory
from streaming.messages import encode_body

_VERSION = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is remembered after all readings before `checkpoint`, whose events end there."""

    checkpoint: Checkpoint | None = None
    alerts_bytes: int = 0
    memory: Memory = field(default_factory=Memory)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """The snapshot as the bytes that are saved."""
    place = snapshot.checkpoint
    return encode_body(
        {
            "version": _VERSION,
            "segment": place.position.segment if place else None,
            "offset": place.position.offset if place else 0,
            "before": place.before if place else "",
            "alerts_bytes": snapshot.alerts_bytes,
            "memory": snapshot.memory.dump(),
        }
    )


def save_snapshot(path: Path, content: bytes) -> None:
    """Write it whole or not at all, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load_snapshot(path: Path) -> Snapshot:
    """The snapshot at `path`; an empty one when there is none that can be read."""
    try:
        body = json.loads(path.read_bytes())
        if body["version"] != _VERSION:
            return Snapshot()
        place = None
        if body["segment"] is not None:
            position = Position(str(body["segment"]), int(body["offset"]))
            place = Checkpoint(position, str(body["before"])) if position.sequence >= 0 else None
        return Snapshot(place, int(body["alerts_bytes"]), Memory.load(body["memory"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Snapshot()
