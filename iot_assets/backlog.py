"""What the batch layer has not done yet: lines that were not loaded, days that were not cleaned.

Truth is the position and the windows in PostgreSQL. Which runs are asked for is decided here, by
pure functions; the sensor around them belongs in `iot_assets.sensors`.
"""

import hashlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select

from citywx.staging.lines import Block
from citywx.staging.position import Position
from citywx.staging.tail import Tail
from citywx.warehouse.load import stored_checkpoint
from citywx.warehouse.tables import dirty_windows
from citywx.weather.reading import FUTURE_TOLERANCE
from iot_assets.resources import Pipeline

_PEEK_BYTES = 4 << 20
"""Bytes of unread lines whose days are looked at: what lies further on notes its own windows."""
_BRIDGED_DAYS = 7
"""Days without work between two with work that one range run takes along."""
_LONGEST_RANGE = 366
_MOST_RUNS = 4
_LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class DayRange:
    """The UTC days from `first` to `last`, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is left to do."""

    position: Position | None
    """The next unread line; None while nothing was ever loaded."""
    unread_lines: int
    """At least so many: at most 4 MiB are looked at."""
    unread_days: frozenset[date]
    """The UTC days that those lines touch."""
    dirty_days: frozenset[date]
    """The UTC days that were loaded and not cleaned."""
    newest_window: int
    """Number of the newest dirty window; 0 without any."""

    @property
    def content(self) -> str:
        """Identity of the work: the same as long as nothing of it was done or added to."""
        where = f"{self.position.segment}@{self.position.offset}" if self.position else "start"
        days = ",".join(sorted(map(str, self.dirty_days)))
        digest = hashlib.sha256(f"{self.newest_window}:{days}".encode()).hexdigest()[:8]
        return f"{where}+{digest}"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was last asked for; a hint only, kept in the sensor's cursor."""

    content: str = ""
    attempt: int = 0
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wait:
    """No run now, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Work:
    """Runs to ask for: one for each range of days, or one that only loads where there is none."""

    ranges: tuple[DayRange, ...]
    asked: Asked


def look(pipeline: Pipeline, now: datetime) -> Backlog:
    """Compare the log with the position and the windows in PostgreSQL."""
    with pipeline.engine.connect() as connection:
        checkpoint = stored_checkpoint(connection)
        windows = connection.execute(
            select(
                dirty_windows.c.day, func.max(dirty_windows.c.window_id).label("newest")
            ).group_by(dirty_windows.c.day)
        ).all()
    with closing(Tail(pipeline.home.readings_csv, checkpoint)) as tail:
        block = tail.read_block(_PEEK_BYTES)
    first_day = pipeline.settings.history_start.date()
    dirty = [row for row in windows if row.day >= first_day]  # older days have no partition
    return Backlog(
        position=checkpoint.position if checkpoint else None,
        unread_lines=block.count_lines() if block else 0,
        unread_days=_days(block, pipeline.settings.history_start, now + FUTURE_TOLERANCE)
        if block
        else frozenset(),
        dirty_days=frozenset(row.day for row in dirty),
        newest_window=max((row.newest for row in dirty), default=0),
    )


def decide(
    backlog: Backlog, asked: Asked, *, failed: bool, now: datetime, batch_seconds: float
) -> Work | Wait:
    """Which runs to ask for, given that none is queued or running.

    Work that was asked for and is still there, or whose last run `failed`, is asked for again as
    a new attempt, after a pause that doubles up to 15 minutes.
    """
    days = backlog.unread_days | backlog.dirty_days
    if not backlog.unread_lines and not days:
        return Wait("every line is loaded and every day is clean")
    again = failed or backlog.content == asked.content
    attempt = asked.attempt + 1 if again else 1
    pause = min(timedelta(seconds=batch_seconds * 2 ** min(attempt - 1, 10)), _LONGEST_WAIT)
    due = asked.at + pause
    if now < due:
        why = f"attempt {attempt}" if again else f"one batch in {batch_seconds:g} s"
        return Wait(f"{why}: not before {due:%H:%M:%S} UTC")
    return Work(day_ranges(days)[:_MOST_RUNS], Asked(backlog.content, attempt, now))


def day_ranges(days: Iterable[date]) -> tuple[DayRange, ...]:
    """As few ranges as cover these days without more than a week of others between, newest first.

    >>> [str(span.first) for span in day_ranges([date(2026, 3, 1), date(2026, 3, 5)])]
    ['2026-03-01']
    """
    ranges: list[DayRange] = []
    for day in sorted(days, reverse=True):
        newer = ranges[-1] if ranges else None
        if (
            newer is not None
            and newer.first - day <= timedelta(days=_BRIDGED_DAYS + 1)
            and newer.last - day < timedelta(days=_LONGEST_RANGE)
        ):
            ranges[-1] = DayRange(day, newer.last)
        else:
            ranges.append(DayRange(day, day))
    return tuple(ranges)


def _days(block: Block, earliest: datetime, latest: datetime) -> frozenset[date]:
    from citywx.staging.columns import days_of, parse_block  # noqa: PLC0415 - numpy, only where there is work

    return days_of(parse_block(block, earliest=earliest, latest=latest).readings)
