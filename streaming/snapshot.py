"""The alerter's snapshot: rule states, and the place in both logs up to which they hold.

Torn, foreign or from a newer version, it reads as none: the alerter then judges the log from its
beginning and drops the events that `alerts.ndjson` already has.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from citywx.staging.position import Checkpoint, Position
from citywx.weather.alerting.steps import RuleState, dump_states, load_states
from streaming.messages import encode_body

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """States after all readings before `checkpoint`, whose events end at `alerts_bytes`."""

    checkpoint: Checkpoint | None = None
    alerts_bytes: int = 0
    states: Mapping[tuple[str, str], RuleState] = field(default_factory=dict)


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
            "states": dump_states(snapshot.states),
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
        return Snapshot(place, int(body["alerts_bytes"]), load_states(body["states"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Snapshot()
