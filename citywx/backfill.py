"""What a backfill is asked for, and how far it has come.

That is what `citywx backfill` and the process that does it, `streaming.history`, have in common.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from citywx.home import write_private
from citywx.weather.reading import ARCHIVE_SOURCE

ARCHIVE = ARCHIVE_SOURCE
"""The one source that is no file."""


class BackfillError(Exception):
    """A backfill cannot be done as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """Which history is wanted."""

    first: date
    last: date
    """UTC days of observation, both included."""
    files: tuple[str, ...] = ()
    """Absolute paths of .csv or .csv.gz files; without any the archive is asked."""
    cities: tuple[str, ...] = ()
    """Only these; by default those in CITIES, or all that the files hold."""

    @classmethod
    def of(
        cls, first: datetime, last: datetime, sources: list[str], cities: list[str]
    ) -> "BackfillRequest":
        """Check what a person typed; BackfillError says what is wrong."""
        if first > last:
            message = f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}"
            raise BackfillError(message)
        if ARCHIVE in sources and len(set(sources)) > 1:
            message = f"--source is {ARCHIVE} or files, not both: give two commands"
            raise BackfillError(message)
        files = [Path(name).absolute() for name in sources if name != ARCHIVE]
        for file in files:
            if not file.is_file():
                message = f"--source {file} is no file, and the only other source is {ARCHIVE}"
                raise BackfillError(message)
        return cls(first.date(), last.date(), tuple(map(str, files)), tuple(cities))

    @classmethod
    def from_json(cls, text: str) -> "BackfillRequest":
        """Read what `to_json` gave."""
        body = json.loads(text)
        return cls(
            date.fromisoformat(body["first"]),
            date.fromisoformat(body["last"]),
            tuple(body["files"]),
            tuple(body["cities"]),
        )

    def to_json(self) -> str:
        """As one line, for the process that does it."""
        return json.dumps(asdict(self), default=date.isoformat, ensure_ascii=False)

    @property
    def identity(self) -> str:
        """The same for the same request: a repeated command goes on where the last one ended."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The first moment, and the first one after the last day (aware UTC)."""
        after = self.last + timedelta(days=1)
        return datetime.combine(self.first, time(), UTC), datetime.combine(after, time(), UTC)


@dataclass(slots=True)
class BackfillState:
    """Which pieces of an unfinished backfill stand in the log; a finished one leaves no state."""

    path: Path
    done: dict[str, int] = field(default_factory=dict)
    """By piece: rows of it, or the next line of a file."""

    @classmethod
    def load(cls, folder: Path, request: BackfillRequest) -> "BackfillState":
        """What an earlier try has left."""
        path = folder / f"{request.identity}.json"
        try:
            body = json.loads(path.read_bytes())
        except FileNotFoundError:
            return cls(path)
        return cls(path, {str(piece): int(value) for piece, value in body["done"].items()})

    def save(self, piece: str, value: int) -> None:
        """Note a piece, which must be on the disk by now."""
        self.done[piece] = value
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self.path, json.dumps({"done": self.done}, ensure_ascii=False) + "\n")

    def finish(self) -> None:
        """Forget it: the same request again is a new backfill."""
        self.path.unlink(missing_ok=True)


def yearly(first: date, last: date) -> list[tuple[date, date]]:
    """The calendar years, or parts of them, from `first` to `last`, both included.

    >>> [f"{a}/{b}" for a, b in yearly(date(2023, 12, 30), date(2024, 1, 2))]
    ['2023-12-30/2023-12-31', '2024-01-01/2024-01-02']
    """
    return [
        (max(first, date(year, 1, 1)), min(last, date(year, 12, 31)))
        for year in range(first.year, last.year + 1)
    ]
