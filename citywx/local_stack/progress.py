"""How far the data itself is: the newest reading, the bridge's backlog, the calls left.

Read from the home's files alone, so that it is known even when every server is down.
"""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from citywx.call_budget import CallBudget, read_budgets
from citywx.home import Home
from citywx.polled_cities import PolledCities
from citywx.settings import Settings
from citywx.staging.lines import LineReader, read_record
from citywx.staging.position import load_checkpoint
from citywx.staging.segments import list_segments, open_regular
from citywx.weather.reading import FUTURE_TOLERANCE, Reading

_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the data of a home is."""

    newest_reading: datetime | None
    """Observation time of the newest line in the log."""
    backlog_bytes: int
    """Bytes of the log that the bridge has not published yet."""
    calls: tuple[CallBudget, ...]
    unresolved_cities: tuple[str, ...]
    """Entries of CITIES that the poller could not find."""
    now: datetime

    @property
    def newest_age(self) -> timedelta | None:
        """How long ago the newest reading was observed."""
        return self.now - self.newest_reading if self.newest_reading else None

    def as_json(self) -> dict[str, object]:
        """As JSON values."""
        age = self.newest_age
        return {
            "newest_reading": self.newest_reading.isoformat() if self.newest_reading else None,
            "newest_reading_age_seconds": round(age.total_seconds()) if age else None,
            "backlog_bytes": self.backlog_bytes,
            "calls": [asdict(budget) for budget in self.calls],
            "unresolved_cities": list(self.unresolved_cities),
        }


def read_progress(settings: Settings, home: Home, now: datetime) -> Progress:
    """Look at the home's log, positions and call counts."""
    return Progress(
        newest_reading=_newest_reading(home.readings_csv, settings.history_start, now),
        backlog_bytes=_backlog(home),
        calls=tuple(read_budgets(settings, home, now)),
        unresolved_cities=PolledCities.load(home).unresolved,
        now=now,
    )


def _backlog(home: Home) -> int:
    checkpoint = load_checkpoint(home.state / "positions" / "bridge.json")
    reached = checkpoint.position if checkpoint else None
    total = 0
    for segment in list_segments(home.readings_csv):
        with suppress(FileNotFoundError):  # deleted or not begun meanwhile
            size = segment.path.stat().st_size
            if reached is None or segment.sequence > reached.sequence:
                total += size
            elif segment.sequence == reached.sequence:
                total += max(0, size - reached.offset)
    return total


def _newest_reading(path: Path, earliest: datetime, now: datetime) -> datetime | None:
    descriptor = open_regular(path)
    if descriptor is None:
        return None
    try:
        start = max(0, os.fstat(descriptor).st_size - _TAIL_BYTES)
        if start:
            start += os.pread(descriptor, _TAIL_BYTES, start).find(b"\n") + 1
        latest = now + FUTURE_TOLERANCE
        records = (
            read_record(line, earliest=earliest, latest=latest)
            for line in LineReader(descriptor, offset=start).read(_TAIL_BYTES)
        )
        return max(
            (record.timestamp for record in records if isinstance(record, Reading)), default=None
        )
    finally:
        os.close(descriptor)
