"""What has to be cleaned again, cut into pieces of work: spans of one city's time.

Loading notes the spans that it touched (`dirty_windows`). Here they are joined into chunks, and
chunks into batches that fit into memory; cleaning a batch is in `citywx.warehouse.clean`.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from sqlalchemy import Connection, func, select

from citywx.warehouse.partitions import month_start, next_month
from citywx.warehouse.tables import cities, dirty_windows, raw_readings

_ROWS_OF_BATCH = 50_000  # 20 MB in memory, and a transaction of a second
_CHUNKS_OF_BATCH = 200  # each is a lock; PostgreSQL has room for some thousands
_SHORTEST, _LONGEST = timedelta(days=1), timedelta(days=366)
_NEAR = timedelta(days=6)  # spans closer than this share most of the rows around them


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of one city's time, and the windows that are clean once it is."""

    city: str
    first: datetime
    last: datetime
    windows: tuple[int, ...] = ()
    whole: bool = False
    """Clean it even if another run has cleared the windows meanwhile."""
    rows: int = 0
    """About so many raw readings are read for it."""

    def months(self) -> Iterator[date]:
        """The first day of each month that it meets, where it has readings at all."""
        month = month_start(self.first.date())
        while self.rows and month <= self.last.date():
            yield month
            month = next_month(month)

    def joined(self, other: "Chunk") -> "Chunk":
        """Both, and what lies between."""
        first, last = min(self.first, other.first), max(self.last, other.last)
        windows = self.windows + other.windows
        return replace(
            self, first=first, last=last, windows=windows, whole=self.whole or other.whole
        )


Batch = tuple[Chunk, ...]
"""Chunks that are cleaned in one transaction."""


def batches_of(
    connection: Connection, days: Iterable[date], reach: timedelta, *, only_dirty: bool
) -> list[Batch]:
    """The work in these UTC days: what is dirty, or all of it.

    `reach` is how far a reading can change another's row: twice that is read around each chunk.
    """
    days = sorted(set(days))
    spans = _dirty(connection, days)
    if not only_dirty:
        spans += _whole(connection, days)
    spans.sort(key=lambda span: (span.city, span.first))
    chunks: list[Chunk] = []
    for _, of_city in groupby(spans, key=lambda span: span.city):
        chunks += _chunks_of_city(connection, list(of_city), 2 * reach)
    return list(_batches(chunks))


def by_turns(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The batches with the cities taking turns: two of one city would wait for each other."""
    waiting: dict[str, deque[Batch]] = {}
    for batch in batches:
        waiting.setdefault(batch[0].city, deque()).append(batch)
    while waiting:
        for city in list(waiting):
            yield waiting[city].popleft()
            if not waiting[city]:
                del waiting[city]


def _dirty(connection: Connection, days: Sequence[date]) -> list[Chunk]:
    columns = dirty_windows.c
    rows = connection.execute(
        select(
            columns.city, columns.first_timestamp, columns.last_timestamp, columns.window_id
        ).where(columns.day.in_(days))
    )
    return [Chunk(row[0], row[1], row[2], (row[3],)) for row in rows]


def _whole(connection: Connection, days: Sequence[date]) -> list[Chunk]:
    names = connection.execute(select(cities.c.name)).scalars().all()
    starts = [datetime.combine(day, time(), UTC) for day in days]
    day = timedelta(days=1, microseconds=-1)
    return [Chunk(name, start, start + day, whole=True) for name in names for start in starts]


def _chunks_of_city(
    connection: Connection, spans: Sequence[Chunk], context: timedelta
) -> Iterator[Chunk]:
    """Spans of a city as chunks for which as many rows are read as a batch may have."""
    first = min(span.first for span in spans) - context
    last = max(span.last for span in spans) + context
    columns = raw_readings.c
    rows = connection.execute(
        select(func.count())
        .select_from(raw_readings)
        .where(columns.city == spans[0].city, columns.timestamp.between(first, last))
    ).scalar_one()
    readable = (last - first) * (_ROWS_OF_BATCH / max(rows, 1)) - 2 * context
    for chunk in _join(spans, min(max(readable, _SHORTEST), _LONGEST)):
        share = (chunk.last - chunk.first + 2 * context) / (last - first)
        yield replace(chunk, rows=round(rows * share))


def _join(spans: Iterable[Chunk], longest: timedelta) -> Iterator[Chunk]:
    """Join near neighbours into larger chunks, up to the longest."""
    joined: Chunk | None = None
    for span in spans:
        if (
            joined is not None
            and span.first - joined.last <= _NEAR
            and span.last - joined.first <= longest
        ):
            joined = joined.joined(span)
            continue
        if joined is not None:
            yield joined
        joined = span
    if joined is not None:
        yield joined


def _batches(chunks: Iterable[Chunk]) -> Iterator[Batch]:
    """Small chunks together; each city at most once in a batch, since spans must not overlap."""
    batch: list[Chunk] = []
    for chunk in chunks:
        full = sum(one.rows for one in batch) + chunk.rows > _ROWS_OF_BATCH
        many = len(batch) == _CHUNKS_OF_BATCH
        if batch and (full or many or batch[-1].city == chunk.city):
            yield tuple(batch)
            batch = []
        batch.append(chunk)
    if batch:
        yield tuple(batch)
