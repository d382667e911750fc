"""What a reader of the log would make of a file: `citywx inspect`. Nothing is stored."""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from citywx.staging.lines import LineReader, Rejected, read_record
from citywx.staging.segments import open_regular
from citywx.weather.reading import FUTURE_TOLERANCE, Reading


class NotReadableError(Exception):
    """The file is absent or no regular file."""


@dataclass(slots=True)
class Inspection:
    """The outcome of reading one file of the log."""

    accepted: int = 0
    """Distinct readings, by city and observation time."""
    duplicates: int = 0
    """Further lines of a city and time already seen."""
    rejected: list[tuple[int, str]] = field(default_factory=list)
    """Byte offset and reason."""
    pending_tail: bool = False
    """Whether it ends in a line that is not finished yet."""

    def as_json(self) -> dict[str, object]:
        """The contract of `citywx inspect --json`."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": [{"offset": offset, "reason": reason} for offset, reason in self.rejected],
            "pending_tail": self.pending_tail,
        }


def inspect_file(path: Path, *, earliest: datetime) -> Inspection:
    """Read the whole file as the bridge and the loader would; NotReadableError."""
    try:
        descriptor = open_regular(path)
    except PermissionError:
        descriptor = None
    if descriptor is None:
        message = f"{path} is not there, is no regular file, or may not be read"
        raise NotReadableError(message)
    try:
        return _inspect(LineReader(descriptor), earliest, datetime.now(UTC) + FUTURE_TOLERANCE)
    finally:
        os.close(descriptor)


def _inspect(reader: LineReader, earliest: datetime, latest: datetime) -> Inspection:
    result = Inspection()
    seen: set[tuple[str, datetime]] = set()
    while lines := reader.read():
        for line in lines:
            record = read_record(line, earliest=earliest, latest=latest)
            if isinstance(record, Rejected):
                result.rejected.append((line.offset, record.reason))
            elif isinstance(record, Reading):
                key = (record.city, record.timestamp)
                result.duplicates += key in seen
                seen.add(key)
    result.accepted = len(seen)
    result.pending_tail = reader.pending
    return result
