"""How long readings are kept: whole months are dropped once all of their days are old enough.

Readings are never deleted by row: their month's partition goes. What stands in `retention_marks` is
the first day that a table still keeps; a mark never moves back. A day before the mark of
`raw_readings` cannot be cleaned again, since its readings would seem to have never been there; nor
can the first days after it, whose context is gone (`first_with_context`): cleaning refuses them. A
late line about such a day is a rejected line (`oldest_accepted`). Statistics by hour and day are
kept for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from citywx.settings import Settings
from citywx.warehouse.locks import lock_for_transaction
from citywx.warehouse.partitions import keep_months, month_start
from citywx.warehouse.tables import (
    dirty_windows,
    live_readings,
    rejected_lines,
    retention_marks,
)

_RAW, _CLEAN = "raw_readings", "weather_readings"
_MONTHS_A_YEAR = 12
_LOCK_SECONDS = 10  # dropping waits for readers, and new readers wait behind it
_DROP = text("SELECT drop_months(:name)")
_LOCK_RAW = text("LOCK TABLE ONLY raw_readings IN ACCESS EXCLUSIVE MODE")
_KEEP_CLEAN = text("LOCK TABLE ONLY weather_readings IN ACCESS SHARE MODE")

CONTEXT = timedelta(days=3)
"""Whole days that hold all raw readings by which a row is judged (`CleaningRules.reach`)."""


class RawReadingsGoneError(Exception):
    """Days cannot be cleaned again: retention has dropped their raw readings."""

    def __init__(self, days: Iterable[date], first_kept: date) -> None:
        self.days = tuple(sorted(days))
        super().__init__(
            f"the raw readings that {self.days[0]} … {self.days[-1]} ({len(self.days)} days) need "
            f"are gone: RETAIN_RAW_DAYS or RETAIN_MONTHS keeps them from {first_kept} on, and a "
            f"day needs those of the {CONTEXT.days} days before it too. Its clean history stays"
        )


@dataclass(frozen=True, slots=True)
class Retention:
    """The first day that is kept of each table; None for all."""

    raw: date | None
    clean: date | None
    rejected: date | None


@dataclass(frozen=True, slots=True)
class Retired:
    """What a run of retention dropped."""

    months: tuple[str, ...] = ()
    """Partitions, by name."""
    rejected_lines: int = 0
    held_back_by: date | None = None
    """The oldest day that waits for cleaning, where that kept a month from being dropped."""


def retention(settings: Settings, today: date) -> Retention:
    """What the settings keep, seen on that day (UTC).

    Raw readings never outlive the clean ones that are made of them. RETAIN_RAW_DAYS keeps those
    that its oldest day needs as context, so that late lines about any of its days are accepted.
    """
    clean = raw = rejected = None
    if settings.retain_months:
        clean = months_before(month_start(today), settings.retain_months)
    if settings.retain_raw_days:
        rejected = today - timedelta(days=settings.retain_raw_days)
        raw = month_start(rejected - CONTEXT)
    return Retention(max(filter(None, (raw, clean)), default=None), clean, rejected)


def months_before(first: date, months: int) -> date:
    """The first day of the month so many months before.

    >>> months_before(date(2026, 3, 1), 15)
    datetime.date(2024, 12, 1)
    """
    years, month = divmod(first.year * _MONTHS_A_YEAR + first.month - 1 - months, _MONTHS_A_YEAR)
    return date(years, month + 1, 1)


def retire(connection: Connection, keep: Retention) -> Retired:
    """Drop the months before the first days kept, and move the marks; in one transaction.

    A day that waits for cleaning holds the month back in which its context begins, and all months
    after it. Nobody loads or cleans meanwhile, so that no such day is overlooked. Raises
    sqlalchemy.exc.OperationalError when readers do not let go of a table in time: ask again later.
    """
    months, held_back_by = _drop_months(connection, keep)
    lines = _drop_rejected(connection, keep.rejected)
    _drop_live(connection)
    return Retired(tuple(months), lines, held_back_by)


def forget_windows(connection: Connection, history_start: datetime) -> int:
    """Delete the dirty windows of days before HISTORY_START, where it was set later than that.

    Those days have no partition in Dagster: nobody would clean them, and retention would wait.
    """
    old = delete(dirty_windows).where(dirty_windows.c.day < history_start.astimezone(UTC).date())
    return connection.execute(old).rowcount


def first_day_with_raw(connection: Connection) -> date | None:
    """The first day whose raw readings are kept; None while all are.

    Whoever has asked is safe: until its transaction ends, no month of raw readings is dropped.
    """
    keep_months(connection)
    return _mark(connection, _RAW)


def first_with_context(first_kept: date) -> date:
    """The first day that can be cleaned again, of those whose raw readings are kept.

    >>> first_with_context(date(2026, 4, 1))
    datetime.date(2026, 4, 4)
    """
    return first_kept + CONTEXT


def first_clean_day(connection: Connection) -> date | None:
    """The first day whose clean readings are kept; None while all are.

    Whoever has asked is safe: until its transaction ends, no month of clean readings is dropped.
    """
    connection.execute(_KEEP_CLEAN)
    return _mark(connection, _CLEAN)


def oldest_accepted(connection: Connection, history_start: datetime) -> datetime:
    """The oldest observation (aware UTC) that loading may accept; older lines are rejected.

    Whoever has asked is safe, as with `first_day_with_raw`: what it loads is not dropped unseen.
    """
    mark = first_day_with_raw(connection)
    return history_start if mark is None else max(history_start, _start_of_accepted(mark))


def refuse_days_without_raw(days: Iterable[date], first_kept: date | None) -> None:
    """Raise RawReadingsGoneError when raw readings that one of the days needs are not kept."""
    if first_kept is None:
        return
    gone = [day for day in days if day < first_with_context(first_kept)]
    if gone:
        raise RawReadingsGoneError(gone, first_kept)


def start_of(day: date) -> datetime:
    """The first moment of a UTC day."""
    return datetime.combine(day, time(), UTC)


def _start_of_accepted(mark: date) -> datetime:
    return start_of(first_with_context(mark))


def _drop_months(connection: Connection, keep: Retention) -> tuple[list[str], date | None]:
    """The partitions dropped, and the day that held one back."""
    wanted = max(filter(None, (keep.raw, keep.clean)), default=None)
    if wanted is None:
        return [], None
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
    connection.execute(_LOCK_RAW)
    lock_for_transaction(connection, "partitions")
    waiting = connection.execute(select(func.min(dirty_windows.c.day))).scalar()
    needed = wanted if waiting is None else min(wanted, waiting - CONTEXT)
    months: list[str] = []
    for name, first in ((_RAW, keep.raw), (_CLEAN, keep.clean)):
        if first is not None:
            _move_mark(connection, name, min(first, month_start(needed)))
            months += connection.execute(_DROP, {"name": name}).scalars()
    return months, waiting if needed < wanted else None


def _mark(connection: Connection, name: str) -> date | None:
    first_day = retention_marks.c.first_day
    return connection.execute(select(first_day).where(retention_marks.c.name == name)).scalar()


def _move_mark(connection: Connection, name: str, first: date) -> None:
    new = insert(retention_marks).values(name=name, first_day=first)
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["name"],
            set_={"first_day": new.excluded.first_day, "moved_at": func.now()},
            where=new.excluded.first_day > retention_marks.c.first_day,
        )
    )


def _drop_rejected(connection: Connection, first: date | None) -> int:
    """Rejected lines are few, and keyed by their place in the log: they go one by one."""
    if first is None:
        return 0
    old = delete(rejected_lines).where(rejected_lines.c.first_seen < start_of(first))
    return connection.execute(old).rowcount


def _drop_live(connection: Connection) -> None:
    """Late lines that loading rejected are of no use to the live view."""
    mark = _mark(connection, _RAW)
    if mark is not None:
        late = live_readings.c.timestamp < _start_of_accepted(mark)
        connection.execute(delete(live_readings).where(late))
