"""What the processes say of themselves → `process_status` and `pipeline_samples`.

The recorder hands every message over; only those on the status topics count. Nothing that stands
in one can make a write fail: what is not plain is dropped here.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, extract, func, or_, text
from sqlalchemy.dialects.postgresql import insert

from citywx.warehouse.tables import pipeline_samples, process_status
from streaming.broker import Message
from streaming.messages import status_topic
from streaming.metrics_snapshot import Metrics
from streaming.status import LOST, Status, read_status

STATUS_TOPICS = status_topic("+")
_PREFIX = status_topic("")
_WRITE_EVERY = timedelta(seconds=2)
_SAMPLE_SECONDS = 10
_PRUNE_EVERY = timedelta(minutes=5)
_KEPT = timedelta(days=3)
_KEPT_WHOLE = timedelta(hours=2)
_THINNED_SECONDS = 300
"""Of samples older than `_KEPT_WHOLE` the first of each such span is kept."""
_MOST_PROCESSES = 32
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_SEGMENT = re.compile(r"[0-9]{1,12}-[0-9A-Za-z]{1,64}")
_LARGEST_OFFSET = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Heard:
    """What a process has said since the last write."""

    status: Status
    metrics: Metrics | None
    counted_at: datetime | None
    """When it said the metrics."""


class StatusRecorder:
    """Collects what processes say, and writes it now and then."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}
        self._known: set[str] = set()
        self._sampled: dict[str, int] = {}
        self._written_at: datetime | None = None
        self._pruned_at: datetime | None = None

    def note(self, message: Message, now: datetime) -> None:
        """Take in a message; any that is no status is left alone."""
        if not message.topic.startswith(_PREFIX):
            return
        status = read_status(message)
        if status is None or not _is_plain(status, message.topic):
            return
        if status.process not in self._known:
            if len(self._known) >= _MOST_PROCESSES:
                return
            self._known.add(status.process)
        said_at = min(status.said_at, now) if status.said_at else None
        if said_at is None and status.state != LOST and not message.retained:
            said_at = now
        before = self._heard.get(status.process)
        metrics, counted_at = status.metrics, said_at
        if not metrics and before is not None:
            metrics, counted_at = before.metrics, before.counted_at
        self._heard[status.process] = _Heard(replace(status, said_at=said_at), metrics, counted_at)

    def due(self, now: datetime) -> bool:
        """Whether there is something to write, and the last write was long enough ago."""
        written = self._written_at
        return bool(self._heard) and (written is None or abs(now - written) >= _WRITE_EVERY)

    def write(self, connection: Connection, now: datetime) -> None:
        """Write what was said since the last write; samples every 10 s."""
        # What a crash of the database takes away is said again within seconds.
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        for heard in self._heard.values():
            _write_status(connection, heard, now)
            self._sample(connection, heard)
        self._heard.clear()
        self._written_at = now
        if self._pruned_at is None or abs(now - self._pruned_at) >= _PRUNE_EVERY:
            prune_samples(connection, now)
            connection.execute(delete(process_status).where(process_status.c.said_at < now - _KEPT))
            self._pruned_at = now

    def _sample(self, connection: Connection, heard: _Heard) -> None:
        """Keep the first metrics that a process said in each span of 10 s."""
        if not heard.metrics or heard.counted_at is None:
            return
        process = heard.status.process
        slot = int(heard.counted_at.timestamp()) // _SAMPLE_SECONDS
        if self._sampled.get(process) == slot:
            return
        self._sampled[process] = slot
        statement = insert(pipeline_samples).values(
            process=process, at=heard.counted_at, metrics=heard.metrics
        )
        connection.execute(statement.on_conflict_do_nothing())


def prune_samples(connection: Connection, now: datetime) -> int:
    """Delete old samples, and all but one in five minutes of less old ones; how many."""
    at = pipeline_samples.c.at
    thinned = func.mod(extract("epoch", at), _THINNED_SECONDS) >= _SAMPLE_SECONDS
    statement = delete(pipeline_samples).where(
        or_(at < now - _KEPT, and_(at < now - _KEPT_WHOLE, thinned))
    )
    return connection.execute(statement).rowcount


def _write_status(connection: Connection, heard: _Heard, now: datetime) -> None:
    """Update the process's row; what a message does not say stays as it was."""
    status = heard.status
    place = status.position
    said: dict[str, object | None] = {
        "state": status.state,
        "segment": place.segment if place else None,
        "byte_offset": place.offset if place else None,
        "said_at": status.said_at,
        "metrics": heard.metrics,
    }
    known = {name: value for name, value in said.items() if value is not None}
    statement = insert(process_status).values({"said_at": now, "process": status.process} | known)
    connection.execute(statement.on_conflict_do_update(index_elements=["process"], set_=known))


def _is_plain(status: Status, topic: str) -> bool:
    """Whether the status is one that a process of ours may have sent."""
    place = status.position
    return (
        topic == status_topic(status.process)
        and _WORD.fullmatch(status.process) is not None
        and _WORD.fullmatch(status.state) is not None
        and (
            place is None
            or (
                _SEGMENT.fullmatch(place.segment) is not None
                and 0 <= place.offset <= _LARGEST_OFFSET
            )
        )
    )
