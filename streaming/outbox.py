"""Messages that are published at least once while the broker comes and goes, up to a bound.

For messages whose truth is kept elsewhere (`alerts.ndjson`): when the bound is reached the oldest
are given up, and counted.
"""

from collections import deque
from itertools import islice

from streaming.broker import Message
from streaming.mqtt import Connection

_MAX_KEPT = 10_000
_AT_ONCE = 500


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

    def put(self, *messages: Message) -> None:
        """Send the messages, now or once that is possible."""
        self._waiting.extend(messages)
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
        while self._waiting and self._send():
            pass
        while len(self._waiting) > self._max_kept:
            self._waiting.popleft()
            self.given_up += 1

    def _send(self) -> bool:
        """Send some of what waits; whether that was possible."""
        room = min(_AT_ONCE, self._connection.send_maximum - len(self._sent))
        ids = self._connection.publish_all(list(islice(self._waiting, max(0, room))))
        for message_id in ids:
            self._sent[message_id] = self._waiting.popleft()
        return bool(ids)
