"""How far the bridge may run ahead: half the broker's queue ahead of the alerter.

A broker drops messages of a slow subscriber silently once its queue is full. Nothing would be lost
(consumers read gaps from the log), but reading from the log is slower than not dropping.
"""

import time
from collections import deque

from citywx.local_stack.broker import MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES
from citywx.staging.position import Position
from streaming.status import Status

SILENT_SECONDS = 10.0
_MARK_EVERY = 500
_QUEUE_OVERHEAD = 100
"""Bytes that a queued message costs the broker beside its payload, about."""


class Pacing:
    """Knows how full the broker's queue for a consumer can be, from what that one announces."""

    def __init__(
        self,
        max_messages: int = MAX_QUEUED_MESSAGES // 2,
        max_bytes: int = MAX_QUEUED_BYTES // 2,
        mark_every: int = _MARK_EVERY,
    ) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._mark_every = mark_every
        self._messages = self._bytes = 0
        self._marked = 0
        self._marks: deque[tuple[tuple[int, int], int, int]] = deque()
        self._reached = (0, 0)
        self._heard_at: float | None = None

    def published(self, end: Position, size: int, lines: int = 1) -> None:
        """Note a message of `size` bytes that carries so many lines, the last of which ends there.

        Packed messages are marked one by one, since few of them fill a queue.
        """
        self._messages += 1
        self._bytes += size + _QUEUE_OVERHEAD
        self._marked += lines
        if self._marked < self._mark_every:
            return
        self._marked = 0
        place = (end.sequence, end.offset)
        if self._marks and place < self._marks[-1][0]:
            self._marks.clear()  # the log was begun anew: nobody will reach the old places
        self._marks.append((place, self._messages, self._bytes))

    def heard(self, status: Status, now: float) -> None:
        """Note what the consumer announced."""
        if status.state != "running" or status.position is None:
            self._heard_at = None
            return
        self._heard_at = now
        place = (status.position.sequence, status.position.offset)
        while self._marks and self._marks[0][0] <= place:
            _, messages, size = self._marks.popleft()
            self._reached = (messages, size)

    @property
    def ahead(self) -> tuple[int, int]:
        """Messages and bytes that were published and not reached; too many rather than too few."""
        return self._messages - self._reached[0], self._bytes - self._reached[1]

    def may_publish(self, now: float | None = None) -> bool:
        """Whether another message may go out; a consumer that is silent is not waited for."""
        messages, size = self.ahead
        if messages < self._max_messages and size < self._max_bytes:
            return True
        moment = time.monotonic() if now is None else now
        return self._heard_at is None or moment - self._heard_at > SILENT_SECONDS
