"""Messages that are published at least once while the broker comes and goes, up to a bound.

For messages whose truth is kept elsewhere (`alerts.ndjson`): when the bound is reached the oldest
are given up, and counted.
"""

from collections import deque

from streaming.broker import Message
from streaming.mqtt import Connection

_MAX_KEPT = 10_000


class Outbox:
    """Sends in order, and again after a reconnect what was not acknowledged."""

    def __init__(self, connection: Connection, max_kept: int = _MAX_KEPT) -> None:
        self.given_up = 0
        """Messages that were dropped, unsent or refused."""
        self._connection = connection
        self._max_kept = max_kept
        self._waiting: deque[Message] = deque()
        self._sent: dict[int, Message] = {}
        self._session = 0

    def put(self, message: Message) -> None:
        """Send the message, now or once that is possible."""
        self._waiting.append(message)
        self.flush()

    def flush(self) -> None:
        """Look at what was acknowledged, and send what can be sent."""
        for outcome in self._connection.outcomes():
            self._sent.pop(outcome.message_id, None)
            self.given_up += not outcome.accepted
        if self._connection.session != self._session:
            self._session = self._connection.session
            self._waiting.extendleft(reversed(self._sent.values()))
            self._sent.clear()
        while self._waiting and len(self._sent) < self._connection.send_maximum:
            message_id = self._connection.publish(self._waiting[0])
            if message_id is None:
                break
            self._sent[message_id] = self._waiting.popleft()
        while len(self._waiting) > self._max_kept:
            self._waiting.popleft()
            self.given_up += 1
