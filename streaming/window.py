"""The bridge's window: messages that were sent and not yet acknowledged, in log order.

The position moves only behind an unbroken run of acknowledged entries. Payloads are kept until
then, so that what was refused, or lost with a connection, is sent again.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from citywx.staging.position import Position
from streaming.broker import Message


@dataclass(slots=True)
class Tally:
    """What became of some lines: `lines = published + rejected + skipped`."""

    published: int = 0
    rejected: int = 0
    skipped: int = 0
    size: int = 0
    """Bytes of the log."""

    def add(self, other: "Tally") -> None:
        """Count the other lines too."""
        self.published += other.published
        self.rejected += other.rejected
        self.skipped += other.skipped
        self.size += other.size


@dataclass(slots=True, eq=False)
class Entry:
    """One message on its way, and the lines of the log that are done with it."""

    end: Position
    """Where the line behind its last one starts."""
    tally: Tally
    message: Message | None
    """None for lines that are skipped, and for what is acknowledged."""
    written_at: datetime | None = None
    """When its first reading was written to the log, where its line says so."""
    message_id: int | None = None
    """None while it is not sent, or no longer."""
    done: bool = field(init=False)

    def __post_init__(self) -> None:
        """What is only skipped needs no acknowledgement."""
        self.done = self.message is None


class Window:
    """The entries between the saved position and the newest line read."""

    def __init__(self) -> None:
        self.payload_bytes = 0
        """Bytes of the messages that wait for an acknowledgement."""
        self._entries: deque[Entry] = deque()
        self._sent: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Put an entry behind the others."""
        self._entries.append(entry)
        if entry.message is not None:
            self.payload_bytes += len(entry.message.payload)

    def sent(self, entry: Entry, message_id: int) -> None:
        """Note under which id the entry was sent."""
        entry.message_id = message_id
        self._sent[message_id] = entry

    def acknowledge(self, message_id: int) -> None:
        """The broker has taken it."""
        entry = self._sent.pop(message_id, None)
        if entry is not None and entry.message is not None:
            self.payload_bytes -= len(entry.message.payload)
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

    @property
    def oldest(self) -> Entry | None:
        """The entry that the position waits for."""
        return self._entries[0] if self._entries else None

    def settle(self) -> list[Entry]:
        """Take the unbroken run of acknowledged entries at the front."""
        settled = []
        while self._entries and self._entries[0].done:
            settled.append(self._entries.popleft())
        return settled
