"""The log → `raw_readings`, exactly once.

A batch is one transaction under a lock: readings, rejected lines, accounting, what has to be
cleaned again, and the position in the log commit together or not at all. So any number of loaders
may run at once, be killed, or be started again. What readings mean belongs in `citywx.weather`.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from citywx.staging.columns import ParsedBlock, parse_block
from citywx.staging.lines import KEPT_BYTES, Block, Rejected
from citywx.staging.position import Checkpoint, Position, save_checkpoint
from citywx.staging.segments import list_segments
from citywx.staging.tail import Tail
from citywx.warehouse.locks import lock_for_transaction
from citywx.warehouse.retention import oldest_accepted
from citywx.warehouse.store_raw import store_raw
from citywx.warehouse.tables import (
    ingest_batches,
    ingest_position,
    ingest_segments,
    rejected_lines,
)
from citywx.warehouse.watermarks import LogPlace, advance_watermark
from citywx.weather.reading import FUTURE_TOLERANCE

_LOG = "readings"
_LOCK = "load"
_BATCH_BYTES = 3 << 20  # about 50,000 lines: memory and the time that the lock is held stay bounded


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of the lines; `lines` is the sum of the five counts after it."""

    lines: int = 0
    loaded: int = 0
    duplicates: int = 0
    """Said the same as a line before, or were superseded by a line further on."""
    corrected: int = 0
    """Said something else about an observation than the line before did."""
    rejected: int = 0
    skipped: int = 0
    """Headers and blank lines."""
    bytes: int = 0
    days: frozenset[date] = frozenset()
    """The UTC days whose readings changed."""

    def __add__(self, other: "LoadResult") -> "LoadResult":
        return LoadResult(
            lines=self.lines + other.lines,
            loaded=self.loaded + other.loaded,
            duplicates=self.duplicates + other.duplicates,
            corrected=self.corrected + other.corrected,
            rejected=self.rejected + other.rejected,
            skipped=self.skipped + other.skipped,
            bytes=self.bytes + other.bytes,
            days=self.days | other.days,
        )


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)


def load_log(  # noqa: PLR0913 - named, and most have defaults
    engine: Engine,
    readings_csv: Path,
    *,
    earliest: datetime,
    run_id: str | None = None,
    hint: Path | None = None,
    clock: Callable[[], datetime] = utc_now,
    batch_bytes: int = _BATCH_BYTES,
) -> LoadResult:
    """Load what the log holds and `raw_readings` does not, up to the log's present end.

    Observations before `earliest` (aware UTC) or what retention keeps, or further ahead of `clock`
    than FUTURE_TOLERANCE, are rejected lines. `run_id` stands in the accounting. `hint` is a
    checkpoint file for whoever deletes old segments; the truth is the position in the database.
    """
    end = _present_end(readings_csv)
    total = LoadResult()
    loader = _Loader(engine, readings_csv, earliest, run_id, clock, batch_bytes)
    with closing(loader):
        while (batch := loader.load_batch()) is not None:
            total += batch.result
            if hint is not None:
                save_checkpoint(hint, batch.checkpoint)
            position = batch.checkpoint.position
            if (position.sequence, position.offset) >= end:
                break
    return total


def _present_end(readings_csv: Path) -> tuple[int, int]:
    """Sequence and size of the newest segment: what is written later is for the next load."""
    newest = list_segments(readings_csv)[-1]
    try:
        return newest.sequence, newest.path.stat().st_size
    except FileNotFoundError:
        return newest.sequence, 0


@dataclass(frozen=True, slots=True)
class _Batch:
    result: LoadResult
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class _Parsed:
    block: Block
    lines: ParsedBlock


@dataclass(frozen=True, slots=True)
class _Ahead:
    """The next block, being read while the one before is stored."""

    parsed: Future[_Parsed | None]
    earliest: datetime
    """With which its lines are judged."""


@dataclass(slots=True)
class _Loader:
    """Reads on where the database says; keeps the log open as long as nobody else moved on."""

    _engine: Engine
    _readings_csv: Path
    _earliest: datetime
    _run_id: str | None
    _clock: Callable[[], datetime]
    _batch_bytes: int
    _tail: Tail | None = None
    _at: Checkpoint | None = None
    """Where the batches end that were loaded from the open tail."""
    _ahead: _Ahead | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def close(self) -> None:
        self._thread.shutdown()
        self._close_tail()

    def load_batch(self) -> _Batch | None:
        """Load the next lines in one transaction; None where the log ends."""
        started = time.perf_counter()
        with self._engine.begin() as connection:
            lock_for_transaction(connection, _LOCK)
            tail = self._tail_at(connection)
            earliest = oldest_accepted(connection, self._earliest)
            parsed = self._next(tail, earliest)
            if parsed is None:
                return None
            position = Position(parsed.block.segment, parsed.block.end)
            checkpoint = tail.checkpoint(position) or Checkpoint(position, before="")
            if 2 * len(parsed.block.data) >= self._batch_bytes:  # there may be more
                ahead = self._thread.submit(self._parse_next, tail, earliest)
                self._ahead = _Ahead(ahead, earliest)
            place = LogPlace(_segment_number(connection, position.segment), position.offset)
            result = _store(connection, parsed, place)
            _save_position(connection, place, checkpoint.before)
            _account(connection, result, self._run_id, time.perf_counter() - started)
        self._at = checkpoint
        return _Batch(result, checkpoint)

    def _tail_at(self, connection: Connection) -> Tail:
        stored = stored_checkpoint(connection)
        if self._tail is None or stored != self._at:
            self._close_tail()
            self._tail, self._at = Tail(self._readings_csv, stored), stored
        return self._tail

    def _close_tail(self) -> None:
        if self._ahead is not None:
            wait([self._ahead.parsed])
            self._ahead = None
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _next(self, tail: Tail, earliest: datetime) -> _Parsed | None:
        """The next block, read ahead if it was."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return self._parse_next(tail, earliest)
        parsed = ahead.parsed.result()
        if parsed is None or ahead.earliest == earliest:
            return parsed
        return self._parse(parsed.block, earliest)  # retention has moved on meanwhile

    def _parse_next(self, tail: Tail, earliest: datetime) -> _Parsed | None:
        block = tail.read_block(self._batch_bytes)
        return None if block is None else self._parse(block, earliest)

    def _parse(self, block: Block, earliest: datetime) -> _Parsed:
        latest = self._clock() + FUTURE_TOLERANCE
        return _Parsed(block, parse_block(block, earliest=earliest, latest=latest))


def _store(connection: Connection, parsed: _Parsed, place: LogPlace) -> LoadResult:
    block, lines = parsed.block, parsed.lines
    merged = store_raw(connection, lines.readings, place)
    _keep_rejected(connection, lines.rejected, place.segment_no)
    return LoadResult(
        lines=lines.lines,
        loaded=merged.loaded,
        duplicates=merged.duplicates,
        corrected=merged.corrected,
        rejected=len(lines.rejected),
        skipped=lines.lines - len(lines.readings) - len(lines.rejected),
        bytes=block.end - block.offset,
        days=merged.days,
    )


def stored_checkpoint(connection: Connection) -> Checkpoint | None:
    """Where the next load reads on; None before the first one."""
    row = connection.execute(
        select(ingest_segments.c.segment, ingest_position.c.byte_offset, ingest_position.c.before)
        .join_from(ingest_position, ingest_segments)
        .where(ingest_position.c.log == _LOG)
    ).one_or_none()
    return None if row is None else Checkpoint(Position(row.segment, row.byte_offset), row.before)


def _segment_number(connection: Connection, segment: str) -> int:
    known = select(ingest_segments.c.segment_no).where(ingest_segments.c.segment == segment)
    number = connection.execute(known).scalar_one_or_none()
    if number is None:
        new = insert(ingest_segments).values(segment=segment)
        number = connection.execute(new.returning(ingest_segments.c.segment_no)).scalar_one()
    return int(number)


def _keep_rejected(connection: Connection, rejected: Sequence[Rejected], segment_no: int) -> None:
    if rejected:
        connection.execute(
            insert(rejected_lines).on_conflict_do_nothing(),
            [
                {
                    "segment_no": segment_no,
                    "byte_offset": item.line.offset,
                    "raw": item.line.data[:KEPT_BYTES],
                    "reason": item.reason,
                }
                for item in rejected
            ],
        )


def _save_position(connection: Connection, place: LogPlace, before: str) -> None:
    values = {"segment_no": place.segment_no, "byte_offset": place.byte_offset, "before": before}
    connection.execute(
        insert(ingest_position)
        .values(log=_LOG, **values)
        .on_conflict_do_update(index_elements=["log"], set_=values | {"updated_at": func.now()})
    )
    advance_watermark(connection, "loaded_through", place)


def _account(
    connection: Connection, result: LoadResult, run_id: str | None, seconds: float
) -> None:
    connection.execute(
        insert(ingest_batches).values(
            run_id=run_id,
            seconds=seconds,
            bytes=result.bytes,
            lines=result.lines,
            loaded=result.loaded,
            duplicates=result.duplicates,
            corrected=result.corrected,
            rejected=result.rejected,
            skipped=result.skipped,
        )
    )
