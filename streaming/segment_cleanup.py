"""Deleting old segments of the log, once every consumer is past them.

A consumer is registered by its file in `state/positions`. A segment that is old enough and not yet
read by all of them stays, and is reported.
"""

import logging
from datetime import datetime, timedelta
from pathlib import Path

from citywx.home import Home
from citywx.staging.position import Checkpoint, load_checkpoint
from citywx.staging.segments import SegmentFile, deletable_segments, list_segments

_log = logging.getLogger(__name__)
_EVERY = timedelta(minutes=10)


class SegmentCleanup:
    """Looks now and then."""

    def __init__(self, home: Home, keep_days: int) -> None:
        """Keep segments at least `keep_days` after they were closed."""
        self._home = home
        self._keep = timedelta(days=keep_days)
        self._next_look: datetime | None = None
        self._alarm = ""

    def look(self, now: datetime) -> list[Path]:
        """Delete what may be deleted, if it is time to look again; what was deleted."""
        if self._next_look is not None and now < self._next_look:
            return []
        self._next_look = now + _EVERY
        old = [segment for segment in self._closed() if self._is_old(segment, now)]
        positions = self._positions()
        known = [p.position for p in positions.values() if p is not None]
        read_by_all = deletable_segments(self._home.readings_csv, known)
        complete = len(known) == len(positions)
        deleted = [segment for segment in old if complete and segment in read_by_all]
        for segment in deleted:
            segment.path.unlink()
            _log.info("%s is deleted: every consumer is past it", segment.path.name)
        self._report([segment for segment in old if segment not in deleted])
        return [segment.path for segment in deleted]

    def _closed(self) -> list[SegmentFile]:
        """Closed segments but the newest, which numbers the log and always stays."""
        return [s for s in list_segments(self._home.readings_csv) if s.closed][:-1]

    def _is_old(self, segment: SegmentFile, now: datetime) -> bool:
        return now.timestamp() - segment.path.stat().st_mtime > self._keep.total_seconds()

    def _positions(self) -> dict[str, Checkpoint | None]:
        """By consumer; None where its file is damaged, so that it counts as behind."""
        files = sorted((self._home.state / "positions").glob("*.json"))
        return {file.stem: load_checkpoint(file) for file in files}

    def _report(self, kept: list[SegmentFile]) -> None:
        """Raise the alarm once for each change of what has to stay."""
        alarm = ", ".join(segment.path.name for segment in kept)
        if alarm and alarm != self._alarm:
            behind = ", ".join(self._behind(kept[0].sequence)) or "nobody has registered"
            _log.error(
                "segments older than STAGING_KEEP_DAYS are still unread and stay: %s (behind: %s)",
                alarm,
                behind,
            )
        self._alarm = alarm

    def _behind(self, sequence: int) -> list[str]:
        return [
            name
            for name, checkpoint in self._positions().items()
            if checkpoint is None or checkpoint.position.sequence <= sequence
        ]
