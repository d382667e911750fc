"""`raw_readings` → `weather_readings`: cleans what has to be cleaned again.

A run takes the dirty windows of its days, cleans every row that they can have changed, validates,
writes what differs, and clears the windows in the same transaction. Which windows there are belongs
in `citywx.warehouse.windows`; how a reading is cleaned, in `citywx.weather.cleaning`.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import pandas as pd
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Engine,
    any_,
    bindparam,
    delete,
    exists,
    select,
)

from citywx.settings import Settings
from citywx.warehouse.climatology import current_climatology
from citywx.warehouse.locks import lock_for_transaction
from citywx.warehouse.merge_clean import Span, merge_clean
from citywx.warehouse.near import nearest_city
from citywx.warehouse.partitions import ensure_months
from citywx.warehouse.raw_frames import raw_frame
from citywx.warehouse.retention import (
    first_clean_day,
    first_day_with_raw,
    first_with_context,
    refuse_days_without_raw,
    start_of,
)
from citywx.warehouse.statistics import update_statistics
from citywx.warehouse.tables import dirty_windows
from citywx.warehouse.watermarks import advance_watermark, read_watermark
from citywx.warehouse.windows import Batch, Chunk, batches_of, by_turns
from citywx.weather.advice import temp_message
from citywx.weather.cleaning import CleaningRules, clean_city
from citywx.weather.schemas import FailureReport, WeatherReadings, failure_cases

_AT_A_TIME = 2
_IDS = ARRAY(BigInteger)


class InvalidRowsError(Exception):
    """Cleaned rows break their schema; nothing of them was written."""

    def __init__(self, report: FailureReport) -> None:
        self.report = report
        first = report.sample[0]
        super().__init__(
            f"{report.count} cleaned rows break the schema, first {first['check']}: {first['row']}"
        )

    def __reduce__(self) -> tuple[type["InvalidRowsError"], tuple[FailureReport]]:
        """Come whole from the process that cleaned."""
        return (InvalidRowsError, (self.report,))


@dataclass(frozen=True, slots=True)
class CleanResult:
    """What a run did."""

    windows: int = 0
    """Dirty windows cleared."""
    rows: int = 0
    """Rows computed anew."""
    written: int = 0
    """Rows of them that were new or different."""
    removed: int = 0
    """Rows removed because no raw reading stands behind them any more."""

    def __add__(self, other: "CleanResult") -> "CleanResult":
        return CleanResult(
            self.windows + other.windows,
            self.rows + other.rows,
            self.written + other.written,
            self.removed + other.removed,
        )


def rules_of(settings: Settings) -> CleaningRules:
    """How these settings want readings cleaned."""
    return CleaningRules(settings.source_order, settings.low_temp_c, temp_message)


def clean_days(
    engine: Engine, days: Iterable[date], *, settings: Settings, only_dirty: bool = True
) -> CleanResult:
    """Clean what is dirty in these UTC days, and all rows around it that it can change.

    With `only_dirty=False` the days are cleaned whole: for a backfill, or when the rules changed.
    Runs may overlap. Raises InvalidRowsError when cleaned rows break their schema, and
    RawReadingsGoneError for whole days whose raw readings are no longer kept.
    """
    rules = rules_of(settings)
    result = clean_batches(engine, work_in(engine, days, rules, only_dirty=only_dirty), rules)
    move_watermarks(engine)
    return result


def clean_batches(engine: Engine, batches: Sequence[Batch], rules: CleaningRules) -> CleanResult:
    """Clean batches in this process, two at a time.

    The database works on the one while the other is judged here. A batch that fails does not keep
    the others from being cleaned; the first error is raised in the end.
    """
    if len(batches) == 1:
        return clean_batch(engine, batches[0], rules)
    make_months(engine, batches)
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        results = [threads.submit(clean_batch, engine, one, rules) for one in by_turns(batches)]
    return sum((result.result() for result in results), CleanResult())


def make_months(engine: Engine, batches: Iterable[Batch]) -> None:
    """Make the months that batches will write into, in a transaction of its own.

    One that makes a month keeps the others from making any until it ends: batches that are cleaned
    at the same time would wait for each other.
    """
    with engine.begin() as connection:
        kept = first_clean_day(connection)
        months = (month for batch in batches for chunk in batch for month in chunk.months())
        wanted = {month for month in months if kept is None or month >= kept}
        ensure_months(connection, "weather_readings", wanted)


def work_in(
    engine: Engine, days: Iterable[date], rules: CleaningRules, *, only_dirty: bool
) -> list[Batch]:
    """The batches that `clean_days` cleans; RawReadingsGoneError as there."""
    days = frozenset(days)
    with engine.connect() as connection:
        if not only_dirty:
            refuse_days_without_raw(days, first_day_with_raw(connection))
        return batches_of(connection, days, rules.reach, only_dirty=only_dirty)


def clean_batch(engine: Engine, batch: Batch, rules: CleaningRules) -> CleanResult:
    """Clean spans of some cities' time, in one transaction."""
    with engine.begin() as connection:
        for chunk in batch:  # in the order of names, so that no two runs wait for each other
            lock_for_transaction(connection, f"clean {chunk.city}")
        windows = [window for chunk in batch for window in chunk.windows]
        cleared = set(
            connection.execute(
                delete(dirty_windows)
                .where(dirty_windows.c.window_id == any_(bindparam("ids", windows, _IDS)))
                .returning(dirty_windows.c.window_id)
            ).scalars()
        )
        # The windows of the others were cleared by another run.
        left = [one for one in batch if one.whole or not cleared.isdisjoint(one.windows)]
        return CleanResult(windows=len(cleared)) + _clean_spans(connection, left, rules)


def move_watermarks(engine: Engine) -> None:
    """Everything loaded so far is clean once no window is left; read in this order."""
    with engine.begin() as connection:
        loaded = read_watermark(connection, "loaded_through")
        dirty = connection.execute(select(exists(select(dirty_windows.c.window_id)))).scalar_one()
        if loaded is not None and not dirty:
            advance_watermark(connection, "cleaned_through", loaded)
            advance_watermark(connection, "validated_through", loaded)


def _clean_spans(
    connection: Connection, batch: Iterable[Chunk], rules: CleaningRules
) -> CleanResult:
    """Read, clean, validate, write."""
    kept = first_day_with_raw(connection)
    cleaned = {}
    for chunk in batch:
        span = _reached(chunk, rules, kept)
        rows = _cleaned(connection, span, rules)
        if not rows.empty:
            cleaned[span] = rows
    if not cleaned:
        return CleanResult()
    clean = pd.concat(cleaned.values(), ignore_index=True)
    report = failure_cases(WeatherReadings, clean)
    if not report.passed:
        raise InvalidRowsError(report)
    merged = merge_clean(connection, list(cleaned), clean)
    if merged.written or merged.removed:
        for span in cleaned:
            update_statistics(connection, span.city, span.first, span.last)
    return CleanResult(rows=len(clean), written=merged.written, removed=merged.removed)


def _reached(chunk: Chunk, rules: CleaningRules, kept: date | None) -> Span:
    """All rows that a chunk's readings can change.

    Rows without raw readings behind them, before the day `kept`, are neither judged nor removed,
    nor are the first after it, which would be judged without their context.
    """
    first, last = chunk.first - rules.reach, chunk.last + rules.reach
    if kept is not None:
        first = max(first, start_of(first_with_context(kept)))
    return Span(chunk.city, first, last)


def _cleaned(connection: Connection, span: Span, rules: CleaningRules) -> pd.DataFrame:
    around = span.first - rules.reach, span.last + rules.reach
    raw = raw_frame(connection, span.city, *around)
    near = nearest_city(connection, span.city)
    nearby = None if near is None else raw_frame(connection, near, *around)
    clean = clean_city(raw, rules, current_climatology(connection, span.city), nearby)
    return clean[clean["timestamp"].between(pd.Timestamp(span.first), pd.Timestamp(span.last))]
