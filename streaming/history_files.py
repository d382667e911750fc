"""History from files of readings (.csv, .csv.gz): a stretch of lines at a time."""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from citywx.backfill import BackfillError
from citywx.weather.reading import DEFAULT_SOURCE, FUTURE_TOLERANCE, Reading
from streaming.history_work import HistoryWork
from streaming.sources.replay_file import ReplayFile, Row

_STRETCH_ROWS = 10_000
_BEGINNING = datetime.min.replace(tzinfo=UTC)
"""Rows before HISTORY_START are counted apart from unreadable ones."""


@dataclass(slots=True)
class LeftOut:
    """Readable rows that are not appended, and why."""

    before_history: int = 0
    other_days: int = 0
    other_cities: int = 0


def append_files(work: HistoryWork, now: datetime) -> None:
    """Append what the files hold of the days and cities asked for."""
    files = _files(work, now)
    with _readable():
        work.screen.of(sum(file.lines() for file in files))
    for file in files:
        _append_file(work, file)


def cities_in_files(work: HistoryWork, now: datetime) -> list[str]:
    """The cities asked for that the files hold, sorted."""
    with _readable():
        names = {name for file in _files(work, now) for name in file.cities()}
    return sorted(names & set(work.request.cities) if work.request.cities else names)


def _files(work: HistoryWork, now: datetime) -> list[ReplayFile]:
    latest = now + FUTURE_TOLERANCE
    return [
        ReplayFile(Path(name), earliest=_BEGINNING, latest=latest, source=DEFAULT_SOURCE)
        for name in work.request.files
    ]


def _append_file(work: HistoryWork, file: ReplayFile) -> None:
    with _readable():
        piece = f"{file.path} {file.fingerprint()}"
    first = reached = work.state.done.get(piece, 0)
    work.screen.show(file.path.name, advance=first, rows=work.appended)
    left_out = LeftOut()
    for stretch in _stretches(file.rows(first)):
        work.append([row.reading for row in stretch if wanted(work, row.reading, left_out)])
        following = stretch[-1].number + 1
        work.done(piece, following)
        work.screen.show(file.path.name, advance=following - reached, rows=work.appended)
        reached = following
    for count, why in (
        (left_out.before_history, f"before HISTORY_START {work.settings.history_start:%Y-%m-%d}"),
        (left_out.other_days, "of other days"),
        (left_out.other_cities, "of other cities"),
        (file.bad_lines, "unreadable"),
    ):
        if count:
            work.screen.say(f"{file.path.name}: {count:,} rows left out: {why}")


def wanted(work: HistoryWork, reading: Reading, left_out: LeftOut) -> bool:
    """Whether the reading is to be appended; else it is counted."""
    start, end = work.request.span
    if reading.timestamp < work.settings.history_start:
        left_out.before_history += 1
    elif not start <= reading.timestamp < end:
        left_out.other_days += 1
    elif work.request.cities and reading.city not in work.request.cities:
        left_out.other_cities += 1
    else:
        return True
    return False


def _stretches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while True:
        with _readable():
            stretch = list(islice(remaining, _STRETCH_ROWS))
        if not stretch:
            return
        yield stretch


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        message = f"a file cannot be read to its end: {error}"
        raise BackfillError(message) from None
