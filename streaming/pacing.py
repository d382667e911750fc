"""How far the bridge may run ahead: half the broker's queue ahead of the alerter.

A broker drops messages of a slow subscriber silently once its queue is full. Nothing would be lost
(consumers read gaps from the log), but reading from the log is slower than not dropping.
"""

import time
from collections import deque

from citywx.local_stack.broker import MAX_QUEUED_MESSAGES
from citywx.staging.position import Position
from streaming.status import Status

MAX_AHEAD = MAX_QUEUED_MESSAGES // 2
SILENT_SECONDS = 10.0
_MARK_EVERY = 500


class Pacing:
    """Counts what was published beyond the position that a consumer last announced."""

    def __init__(self, max_ahead: int = MAX_AHEAD, mark_every: int = _MARK_EVERY) -> None:
        self._max_ahead = max_ahead
        self._mark_every = mark_every
        self._published = 0
        self._marks: deque[tuple[tuple[int, int], int]] = deque()
        self._reached = 0
        self._heard_at: float | None = None

    def published(self, end: Position) -> None:
        """Note a published line."""
        self._published += 1
        if self._published % self._mark_every == 0:
            place = (end.sequence, end.offset)
            if self._marks and place < self._marks[-1][0]:
                self._marks.clear()  # the log was begun anew: nobody will reach the old places
            self._marks.append((place, self._published))

    def heard(self, status: Status, now: float) -> None:
        """Note what the consumer announced."""
        if status.state != "running" or status.position is None:
            self._heard_at = None
            return
        self._heard_at = now
        place = (status.position.sequence, status.position.offset)
        while self._marks and self._marks[0][0] <= place:
            self._reached = self._marks.popleft()[1]

    @property
    def ahead(self) -> int:
        """Lines published and not reached; a few hundred too many, never too few."""
        return self._published - self._reached

    def may_publish(self, now: float | None = None) -> bool:
        """Whether another line may go out; a consumer that is silent is not waited for."""
        if self.ahead < self._max_ahead:
            return True
        moment = time.monotonic() if now is None else now
        return self._heard_at is None or moment - self._heard_at > SILENT_SECONDS
