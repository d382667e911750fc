"""A recorded file of readings (.csv or .csv.gz) as numbered rows.

Bad lines are counted and left out; the row number is the line's, so that it stays the same however
the file is read. When rows are due is `streaming.sources.replay`'s matter.
"""

import gzip
import hashlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from citywx.settings import WeatherSource
from citywx.staging.segments import BOM, MAX_LINE_BYTES
from citywx.weather.reading import (
    Layout,
    Reading,
    UnreadableError,
    header_layout,
    parse_record,
    split_line,
)

_log = logging.getLogger(__name__)
_REPORTED_LINES = 5
_CITIES_WITHIN_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """A readable row and the number of its physical line, from 0."""

    number: int
    reading: Reading


class ReplayFile:
    """The rows of one file, any number of times."""

    def __init__(
        self,
        path: Path,
        *,
        earliest: datetime,
        latest: datetime,
        source: str = WeatherSource.REPLAY.value,
    ) -> None:
        """Rows observed before `earliest` or after `latest` (aware UTC) count as bad.

        `source` is that of rows which name none.
        """
        self.path = path
        self.bad_lines = 0
        self._earliest = earliest
        self._latest = latest
        self._source = source

    def rows(self, first: int = 0) -> Iterator[Row]:
        """All readable rows from line `first` on; OSError, EOFError when the file is damaged."""
        self.bad_lines = 0
        layout: Layout | None = None
        with self._open() as file:
            for number, line in enumerate(_lines(file)):
                if layout is None:
                    layout = header_layout(line) or Layout()
                if number >= first and line.strip() and header_layout(line) is None:
                    reading = self._reading(line, layout, number)
                    if reading is not None:
                        yield Row(number, reading)

    def lines(self) -> int:
        """Physical lines, readable or not."""
        with self._open() as file:
            return sum(1 for _ in _lines(file))

    def cities(self) -> list[str]:
        """The names of the cities among the first rows, sorted."""
        names = set()
        for row in self.rows():
            names.add(row.reading.city)
            if row.number >= _CITIES_WITHIN_ROWS:
                break
        return sorted(names)

    def last_timestamp(self) -> datetime | None:
        """The latest observation time in the file."""
        return max((row.reading.timestamp for row in self.rows()), default=None)

    def fingerprint(self) -> str:
        """What tells this file from another one: its size and the hash of its beginning."""
        with self.path.open("rb") as file:
            digest = hashlib.sha256(file.read(MAX_LINE_BYTES)).hexdigest()[:16]
        return f"{self.path.stat().st_size}-{digest}"

    def _open(self) -> BinaryIO:
        if self.path.suffix == ".gz":
            return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", gzip.open(self.path))))
        return self.path.open("rb")

    def _reading(self, line: bytes, layout: Layout, number: int) -> Reading | None:
        try:
            fields = split_line(_bounded(line))
            record = dict(zip(layout.names(fields), fields, strict=True))
            record["source"] = record.get("source", "").strip() or self._source
            record["fetched_at"] = ""  # the time of writing takes its place
            return parse_record(record, earliest=self._earliest, latest=self._latest)
        except UnreadableError as error:
            self.bad_lines += 1
            if self.bad_lines <= _REPORTED_LINES:
                _log.warning("%s line %d is skipped: %s", self.path.name, number + 1, error)
            return None


def whole_day_shift(last: datetime, now: datetime) -> timedelta:
    """Whole days to add so that `last` falls on today, or on yesterday if it would be later.

    >>> from datetime import UTC
    >>> last = datetime(2013, 5, 29, 23, tzinfo=UTC)
    >>> last + whole_day_shift(last, datetime(2026, 11, 23, 12, tzinfo=UTC))
    datetime.datetime(2026, 11, 22, 23, 0, tzinfo=datetime.timezone.utc)
    """
    shift = timedelta(days=(now.date() - last.date()).days)
    return shift if last + shift <= now else shift - timedelta(days=1)


def _bounded(line: bytes) -> bytes:
    if len(line) > MAX_LINE_BYTES:
        message = "longer than 16 KiB"
        raise UnreadableError(message)
    return line


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Physical lines without their ends; of one that is too long, just enough to see that."""
    start = True
    while line := file.readline(MAX_LINE_BYTES + 2):
        kept = line
        while not line.endswith(b"\n") and len(line) > MAX_LINE_BYTES:
            line = file.readline(MAX_LINE_BYTES + 2)
        yield (kept.removeprefix(BOM) if start else kept).removesuffix(b"\n").removesuffix(b"\r")
        start = False
