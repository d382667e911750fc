"""The source `replay`: a recorded file played into the log at a given speed.

What it has reached is saved only after the rows stand in the log on disk. So after a crash some
rows are written again, which the log's readers recognise as duplicates, and none is lost.
"""

import json
import logging
import os
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from citywx.home import write_private
from citywx.settings import ReplayTimestamps
from citywx.weather.reading import Reading
from streaming.sources.replay_file import ReplayFile, whole_day_shift

_log = logging.getLogger(__name__)
_TICK_SECONDS = 0.005
_SAVE_SECONDS = 1.0
_LARGEST_BATCH = 20_000
_IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast rows are played: so many a second, or so many times faster than they happened."""

    rows_per_second: float | None = None
    times_realtime: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Speed":
        """Read `2000` or `realtime×60`; ValueError for anything else, and for zero.

        >>> Speed.parse("realtime×60")
        Speed(rows_per_second=None, times_realtime=60.0)
        """
        match = re.fullmatch(r"(realtime[×x])?(\d+(?:\.\d+)?)", text)
        number = float(match[2]) if match else 0.0
        if match is None or number <= 0:
            message = f"REPLAY_SPEED {text!r} is neither rows a second (2000) nor like realtime×60"
            raise ValueError(message)
        return cls(times_realtime=number) if match[1] else cls(rows_per_second=number)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay has come."""

    fingerprint: str
    next_row: int
    shift_days: int


class ReplayPosition:
    """The progress of a replay, kept in one small file of the data home."""

    def __init__(self, path: Path, readings_csv: Path) -> None:
        """Keep it at `path`, for rows that are written to the log at `readings_csv`."""
        self._path = path
        self._readings_csv = readings_csv

    def load(self, fingerprint: str) -> Progress | None:
        """The saved progress in the file of that fingerprint; None to start at its beginning."""
        if not self._readings_csv.exists():
            return None
        try:
            body = json.loads(self._path.read_bytes())
            saved = Progress(str(body["file"]), int(body["next_row"]), int(body["shift_days"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            _log.warning("%s is damaged: replaying from the beginning", self._path)
            return None
        if saved.fingerprint != fingerprint:
            _log.warning("REPLAY_FILE is another file than before: replaying it whole")
            return None
        return saved

    def save(self, progress: Progress) -> None:
        """Save, after making sure that the log itself is on disk."""
        descriptor = os.open(self._readings_csv, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        body = {
            "file": progress.fingerprint,
            "next_row": progress.next_row,
            "shift_days": progress.shift_days,
        }
        write_private(self._path, json.dumps(body) + "\n")


class Replay:
    """The rows of a file, as they fall due."""

    def __init__(
        self,
        file: ReplayFile,
        position: ReplayPosition,
        *,
        speed: Speed,
        timestamps: ReplayTimestamps,
        now: datetime,
    ) -> None:
        """Continue where the replay of this file was, or begin."""
        self._file = file
        self._position = position
        fingerprint = file.fingerprint()
        saved = position.load(fingerprint)
        if saved:
            _log.info("replay of %s goes on at line %d", file.path.name, saved.next_row + 1)
        self._saved = saved or Progress(fingerprint, 0, _shift_days(file, timestamps, now))
        self._saved_at = self._now = now
        self._next_row = self._saved.next_row
        self._shift = timedelta(days=self._saved.shift_days)
        self._pace = _Pace(speed)
        self._rows = file.rows(self._next_row)
        self._next = next(self._rows, None)
        self._played = 0
        self._finished = False

    @property
    def detail(self) -> str:
        """Where it is."""
        state = "finished" if self._finished else "replaying"
        return f"{state} {self._file.path.name}, {self._played} rows since the start"

    def take(self, now: datetime) -> list[Reading]:
        """The rows that are due by now."""
        self._now = now
        readings: list[Reading] = []
        while (row := self._next) is not None and len(readings) < _LARGEST_BATCH:
            if not self._pace.due(row.reading, now):
                break
            readings.append(row.reading)
            self._pace.played += 1
            self._next_row = row.number + 1
            self._next = next(self._rows, None)
        self._played += len(readings)
        if self._shift:
            return [r._replace(timestamp=r.timestamp + self._shift) for r in readings]
        return readings

    def written(self) -> None:
        """Save the progress, at most once a second, and at the end."""
        at_end = self._next is None and not self._finished
        age = (self._now - self._saved_at).total_seconds()
        if at_end or (self._next_row != self._saved.next_row and abs(age) >= _SAVE_SECONDS):
            self._saved = replace(self._saved, next_row=self._next_row)
            self._saved_at = self._now
            self._position.save(self._saved)
        if at_end:
            self._finished = True
            _log.info(
                "replay of %s is finished; %d unreadable lines skipped",
                self._file.path.name,
                self._file.bad_lines,
            )

    def pause(self, now: datetime) -> float:
        """Seconds until the next row is due, or the next handful at high rates."""
        if self._next is None:
            return _IDLE_SECONDS
        seconds = self._pace.seconds_until(self._next.reading, now)
        return max(seconds, _TICK_SECONDS) if seconds > 0 else 0.0


class _Pace:
    """When each row is due, counted from the first look at what is due."""

    def __init__(self, speed: Speed) -> None:
        self.played = 0
        self._speed = speed
        self._start: datetime | None = None
        self._first: datetime | None = None

    def due(self, reading: Reading, now: datetime) -> bool:
        return self.seconds_until(reading, now) <= 0

    def seconds_until(self, reading: Reading, now: datetime) -> float:
        self._start = self._start or now
        elapsed = (now - self._start).total_seconds()
        if self._speed.rows_per_second is not None:
            return self.played / self._speed.rows_per_second - elapsed
        if self._first is None:
            self._first = reading.timestamp
        times = self._speed.times_realtime or 1.0
        return (reading.timestamp - self._first).total_seconds() / times - elapsed


def _shift_days(file: ReplayFile, timestamps: ReplayTimestamps, now: datetime) -> int:
    last = file.last_timestamp() if timestamps is ReplayTimestamps.NOW else None
    return whole_day_shift(last, now).days if last else 0
