"""How a streaming process is doing, from what it last said. Pure, no Streamlit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from dashboard.counters import Metrics, number

BRIDGE, ALERTER, RECORDER = "bridge", "alerter", "recorder"
EXPECTED = (BRIDGE, ALERTER, RECORDER)
"""Without one of these the speed layer does not work."""
CONSUMERS = (ALERTER, RECORDER)
SILENT_AFTER = timedelta(seconds=10)
"""A process speaks every two seconds; after so long without a word it is not well."""
IN_STEP_BYTES = 64 * 1024
"""Some 600 readings: what passes between two words of a process in full flow."""


class Condition(Enum):
    """How a process is doing."""

    IN_STEP = "in step"
    CATCHING_UP = "catching up"
    SILENT = "silent"
    STOPPED = "stopped"
    LOST = "lost"


ENDED = (Condition.SILENT, Condition.STOPPED, Condition.LOST)
"""Those of a process that says nothing any more."""


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """What a process last said."""

    process: str
    state: str
    segment: str | None
    byte_offset: int | None
    said_at: datetime
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Behind:
    """How far a process is behind what it reads; None for what is not known."""

    bytes: float | None = None
    rows: float | None = None
    seconds: float | None = None
    segments: bool = False
    """It is still in an older segment of the log."""


def behind(status: ProcessStatus, bridge: ProcessStatus | None) -> Behind:
    """The bridge's own word on the log; a consumer's distance from the bridge."""
    if status.process == BRIDGE:
        bytes_, rows, seconds = (
            number(status.metrics, f"citywx_bridge_backlog_{unit}")
            for unit in ("bytes", "rows", "seconds")
        )
        return Behind(bytes_, rows, seconds)
    if status.process not in CONSUMERS or bridge is None:
        return Behind()
    if status.byte_offset is None or bridge.byte_offset is None:
        return Behind()
    if status.segment != bridge.segment:
        return Behind(segments=_sequence(status.segment) < _sequence(bridge.segment))
    return Behind(max(0, bridge.byte_offset - status.byte_offset))


def condition(status: ProcessStatus, distance: Behind, now: datetime) -> Condition:
    """What to think of a process."""
    ended = {"stopped": Condition.STOPPED, "lost": Condition.LOST}
    if status.state in ended:
        return ended[status.state]
    if now - status.said_at > SILENT_AFTER:
        return Condition.SILENT
    if distance.segments or (distance.bytes or 0) > IN_STEP_BYTES:
        return Condition.CATCHING_UP
    return Condition.IN_STEP


def in_order(names: Iterable[str]) -> list[str]:
    """The processes in the order in which a reading meets them, others behind."""
    places = {name: place for place, name in enumerate(EXPECTED)}
    return sorted(names, key=lambda name: (places.get(name, len(places)), name))


def not_heard(heard: Mapping[str, object]) -> list[str]:
    """Processes that should speak and never did."""
    return [name for name in EXPECTED if name not in heard]


def _sequence(segment: str | None) -> int:
    """A segment's place in the log; its name begins with it."""
    digits = (segment or "").partition("-")[0]
    return int(digits) if digits.isdecimal() else 0
