"""What has to be cleaned again, cut into pieces of work: spans of one city's time.

Loading notes the spans that it touched (`dirty_windows`). Here they are joined into chunks that
take a while and fit into memory; cleaning one is in `citywx.warehouse.clean`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from sqlalchemy import Connection, func, select

from citywx.warehouse.tables import cities, dirty_windows, raw_readings

_ROWS_OF_CHUNK = 50_000  # 20 MB in memory, and a transaction of a second
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

    def joined(self, other: "Chunk") -> "Chunk":
        """Both, and what lies between."""
        first, last = min(self.first, other.first), max(self.last, other.last)
        windows = self.windows + other.windows
        return Chunk(self.city, first, last, windows, self.whole or other.whole)


def chunks_of(connection: Connection, days: Iterable[date], *, only_dirty: bool) -> list[Chunk]:
    """The work in these UTC days: what is dirty, or all of it."""
    days = sorted(set(days))
    spans = _dirty(connection, days)
    if not only_dirty:
        spans += _whole(connection, days)
    spans.sort(key=lambda span: (span.city, span.first))
    longest = {
        city: _longest(connection, list(of_city))
        for city, of_city in groupby(spans, key=lambda span: span.city)
    }
    return list(_join(spans, longest))


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


def _longest(connection: Connection, spans: Sequence[Chunk]) -> timedelta:
    """How long a chunk of a city may be, given how often its readings come."""
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    if last - first <= _SHORTEST:
        return _SHORTEST
    columns = raw_readings.c
    rows = connection.execute(
        select(func.count())
        .select_from(raw_readings)
        .where(columns.city == spans[0].city, columns.timestamp.between(first, last))
    ).scalar_one()
    share = _ROWS_OF_CHUNK / max(rows, 1)
    return min(max((last - first) * min(share, 1.0), _SHORTEST), _LONGEST)


def _join(spans: Iterable[Chunk], longest: Mapping[str, timedelta]) -> Iterator[Chunk]:
    """Join near neighbours of one city into larger chunks, up to the longest."""
    joined: Chunk | None = None
    for span in spans:
        if (
            joined is not None
            and joined.city == span.city
            and span.first - joined.last <= _NEAR
            and span.last - joined.first <= longest[span.city]
        ):
            joined = joined.joined(span)
            continue
        if joined is not None:
            yield joined
        joined = span
    if joined is not None:
        yield joined
