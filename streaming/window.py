"""The bridge's window: lines that were sent and not yet acknowledged, in log order.

The position moves only behind an unbroken run of acknowledged lines. Payloads are kept until then,
so that what was refused, or lost with a connection, is sent again.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from citywx.staging.position import Position
from streaming.mqtt import Message


class LineFate(Enum):
    """What became of a line; the value is its counter's label."""

    PUBLISHED = "published"
    REJECTED = "rejected"
    SKIPPED = "skipped"


@dataclass(slots=True, eq=False)
class Entry:
    """One line on its way."""

    end: Position
    fate: LineFate
    message: Message | None
    """None for a line that is skipped."""
    message_id: int | None = None
    """None while it is not sent, or no longer."""
    done: bool = False


class Window:
    """The lines between the saved position and the newest line sent."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._sent: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Put a line behind the others; a skipped one needs no acknowledgement."""
        entry.done = entry.message is None
        self._entries.append(entry)

    def sent(self, entry: Entry, message_id: int) -> None:
        """Note under which id the entry was sent."""
        entry.message_id = message_id
        self._sent[message_id] = entry

    def acknowledge(self, message_id: int) -> None:
        """The broker has taken it."""
        entry = self._sent.pop(message_id, None)
        if entry is not None:
            entry.done = True
            entry.message = None

    def refuse(self, message_id: int) -> None:
        """The broker refused it: it waits to be sent again."""
        entry = self._sent.pop(message_id, None)
        if entry is not None:
            entry.message_id = None

    def connection_lost(self) -> None:
        """Nothing that is unacknowledged counts as sent any more."""
        for entry in self._sent.values():
            entry.message_id = None
        self._sent.clear()

    def unsent(self) -> list[Entry]:
        """The entries that wait to be sent (again), in log order."""
        return [e for e in self._entries if not e.done and e.message_id is None]

    def settle(self) -> list[Entry]:
        """Take the unbroken run of acknowledged entries at the front."""
        settled = []
        while self._entries and self._entries[0].done:
            settled.append(self._entries.popleft())
        return settled
