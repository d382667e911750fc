"""Where a city's readings are put in order: one a moment, the best source's, oldest first.

A reading that is not newer than the last one given out comes too late and is counted. With an
allowed lateness, readings wait that long (in observation time) for those that belong before them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappop, heappush

from citywx.weather.reading import Reading

_TRUST = timedelta(hours=1)
"""How long a city keeps to its best source after that has been heard."""


class Desk:
    """The readings of one city on their way to being judged."""

    __slots__ = ("_best_at", "_lateness", "_rank", "_ranks", "_waiting", "late", "observed_at")

    def __init__(self, ranks: Mapping[str, int], lateness: timedelta) -> None:
        """`ranks` by source: the lower, the better."""
        self.observed_at: datetime | None = None
        """The newest observation that was given out."""
        self.late = 0
        """Readings that were not newer, or of a source that had to stand back."""
        self._ranks = ranks
        self._lateness = lateness
        self._rank = len(ranks)
        self._best_at: datetime | None = None
        self._waiting: list[tuple[datetime, int, str, Reading]] = []

    def accept(self, reading: Reading) -> Sequence[Reading]:
        """The readings that can be judged now that this one has come."""
        if not self._lateness:
            return (reading,) if self._is_next(reading) else ()
        if self.observed_at is not None and reading.timestamp <= self.observed_at:
            self.late += 1
            return ()
        rank = self._ranks.get(reading.source, len(self._ranks))
        entry = (reading.timestamp, rank, reading.source, reading)
        if any(entry[:3] == other[:3] for other in self._waiting):
            self.late += 1
            return ()
        heappush(self._waiting, entry)
        newest = max(entry[0] for entry in self._waiting)
        return self.release(newest - self._lateness)

    def release(self, through: datetime) -> list[Reading]:
        """Those that waited and were observed up to then."""
        ready = []
        while self._waiting and self._waiting[0][0] <= through:
            reading = heappop(self._waiting)[3]
            if self._is_next(reading):
                ready.append(reading)
        return ready

    def _is_next(self, reading: Reading) -> bool:
        at = reading.timestamp
        if self.observed_at is not None and at <= self.observed_at:
            self.late += 1
            return False
        rank = self._ranks.get(reading.source, len(self._ranks))
        if rank > self._rank and self._best_at is not None and at - self._best_at < _TRUST:
            self.late += 1
            return False
        self._rank, self._best_at, self.observed_at = rank, at, at
        return True

    @property
    def waiting(self) -> list[Reading]:
        """Readings that are not given out yet."""
        return [entry[3] for entry in sorted(self._waiting, key=lambda entry: entry[:3])]

    def dump(self) -> tuple[datetime | None, int, datetime | None]:
        """What `resume` takes, beside the readings that wait."""
        return self.observed_at, self._rank, self._best_at

    def resume(self, observed_at: datetime | None, rank: int, best_at: datetime | None) -> None:
        """Take up what `dump` gave."""
        self.observed_at, self._rank, self._best_at = observed_at, rank, best_at
