"""The log → MQTT: every line of the CSV is carried by a message, in order, and none is lost.

The saved position moves only behind an unbroken run of acknowledgements, so that after any crash
the lines behind it are published again; consumers drop what comes twice. With the broker down the
position stands still and nothing is read beyond the window.
"""

import logging
import random
import time
from collections import deque
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from citywx.settings import BridgePack
from citywx.staging.lines import Line
from citywx.staging.position import Checkpoint, Position, load_checkpoint, save_checkpoint
from citywx.staging.tail import Tail
from streaming import bridge_metrics as metrics
from streaming.background import Background
from streaming.broker import MQTT_5, Broker, BrokerNotConfiguredError, Message, Outcome
from streaming.composer import Composer
from streaming.dropped import DROPPED, DroppedWatch
from streaming.hints import LogHints, hints_for
from streaming.messages import REPLAY_REQUEST, status_topic
from streaming.mqtt import Connection
from streaming.only_instance import AlreadyRunningError, only_instance
from streaming.pacing import Pacing
from streaming.process import Process, run
from streaming.replay_desk import ReplayDesk
from streaming.status import Announcer, read_status, will_of
from streaming.window import Entry, Window

NAME = "bridge"
_PACED_BY = status_topic("alerter")
_LOOK_SECONDS = 1.0
_SAVE_SECONDS = 0.25
_RETRY_FIRST, _RETRY_LAST = 0.5, 30.0
_CHUNK_BYTES = 256 * 1024
_STRETCH, _PACKED_STRETCH = 200, 5  # messages published before acknowledgements are read again
_WINDOW_BYTES = 4 << 20  # of payloads that wait for an acknowledgement

_log = logging.getLogger(__name__)


class Bridge:
    """Moves lines from the log through the window to the broker."""

    def __init__(
        self, process: Process, connection: Connection, hints: LogHints, checkpoint_path: Path
    ) -> None:
        """Continue from the checkpoint, or begin at the oldest line."""
        settings = process.settings
        self._connection = connection
        self._hints = hints
        self._checkpoint_path = checkpoint_path
        self._max_window = settings.bridge_window
        packs = settings.bridge_pack is BridgePack.CATCH_UP
        self._pack_above = settings.bridge_pack_above if packs else None
        self._packing = False
        start = load_checkpoint(checkpoint_path)
        self._tail = Tail(process.home.readings_csv, start)
        self._acknowledged = start.position if start else None
        self._saved = self._acknowledged
        self._composer = Composer(self._acknowledged, settings.history_start)
        self._replays = ReplayDesk(process.home.readings_csv, settings.history_start)
        self._lines: deque[Line] = deque()
        self._window = Window()
        self._pacing = Pacing()
        self._drops = DroppedWatch()
        self._announcer = Announcer(connection, NAME)
        self._saver = Background("saving the bridge's position")
        self._at_end = False  # nothing to read, as far as is known
        self._session = 0
        self._refusals = 0
        self._retry_at: float | None = None
        self._saved_at = self._looked_at = 0.0

    @property
    def acknowledged(self) -> Position | None:
        """Every line before it has been dealt with."""
        return self._acknowledged

    def step(self) -> None:
        """Wait for something to do, and do it: new lines first, since they are waited for."""
        if self._connection.wait(self._patience()):
            self._hints.drain()
            self._at_end = False
        now = time.monotonic()
        if self._connection.session != self._session and self._connection.ready:
            self._session = self._connection.session
            self._window.connection_lost()
            self._send_again()
        elif self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._send_again()
        if self._more() or now - self._looked_at >= _LOOK_SECONDS:
            self._forward()
        self._hear(now)
        self._settle()
        self._look_after(now)

    def stop(self) -> None:
        """Wait briefly for outstanding acknowledgements, then save the position."""
        deadline = time.monotonic() + 1
        while len(self._window) and self._connection.ready and time.monotonic() < deadline:
            self._connection.wait(0.1)
            self._hear(time.monotonic())
            self._settle()
        self._announcer.say_stopped(self._acknowledged)
        checkpoint = self._checkpoint()
        self._saver.finish(lambda: self._save(checkpoint))

    def _patience(self) -> float:
        return 0.0 if self._more() and self._room() else _LOOK_SECONDS / 2

    def _more(self) -> bool:
        """Whether there are lines to publish, as far as is known."""
        return bool(self._lines) or not self._at_end

    def _room(self) -> int:
        """How many messages may be published now, in one stretch."""
        blocked = (
            not self._connection.ready
            or self._window.payload_bytes >= _WINDOW_BYTES
            or not self._pacing.may_publish()
        )
        if blocked:
            return 0
        allowed = min(self._max_window, self._connection.send_maximum)
        stretch = _PACKED_STRETCH if self._packing else _STRETCH
        return max(0, min(stretch, allowed - len(self._window)))

    def _hear(self, now: float) -> None:
        for outcome in self._connection.outcomes():
            if outcome.accepted:
                self._window.acknowledge(outcome.message_id)
            else:
                self._refused(outcome, now)
        for message in self._connection.messages():
            if message.topic == REPLAY_REQUEST:
                self._answer(message)
            elif message.topic == DROPPED:
                self._drops.heard(message.payload)
            elif (status := read_status(message)) is not None and not message.retained:
                self._pacing.heard(status, now)

    def _refused(self, outcome: Outcome, now: float) -> None:
        metrics.REFUSED.labels(f"0x{outcome.code:02x}").inc()
        self._window.refuse(outcome.message_id)
        if self._retry_at is None:
            pause = min(_RETRY_LAST, _RETRY_FIRST * 2 ** min(self._refusals, 10))
            self._retry_at = now + pause * random.uniform(0.5, 1)  # noqa: S311 - jitter
            self._refusals += 1
            _log.error(
                "the broker refuses messages: %s (0x%02x); the position stays at %s",
                outcome.reason,
                outcome.code,
                self._acknowledged,
            )

    def _answer(self, request: Message) -> None:
        answer = self._replays.answer(request)
        if answer is not None:
            self._connection.publish(answer)

    def _send_again(self) -> None:
        self._send(self._window.unsent())

    def _forward(self) -> None:
        """Read lines, as far as there is room for them, and publish a stretch of them in one go."""
        if not self._room() or not (self._lines or self._read()):
            return
        entries: list[Entry] = []
        room, now = self._room(), datetime.now(UTC)
        while self._lines and len(entries) < room:
            if self._packing:
                entries += self._composer.batch(self._lines, now)
            else:
                entries.append(self._composer.single(self._lines.popleft(), now))
        self._publish(entries)

    def _read(self) -> bool:
        """Read the next lines, and see whether there are so many that they should be packed."""
        lines = self._tail.read(_CHUNK_BYTES)
        self._at_end = not lines or self._tail.drained
        self._lines.extend(lines)
        if self._pack_above is not None:
            enough = self._pack_above // 10 if self._packing else self._pack_above
            self._packing = self._backlog_rows(lines) > enough
        return bool(lines)

    def _backlog_rows(self, lines: list[Line]) -> int:
        """Lines that are not published yet, given those just read; a full read has more behind."""
        if not lines:
            return 0
        size = lines[-1].end - lines[0].offset
        behind = self._tail.backlog_bytes() if size >= _CHUNK_BYTES // 2 else 0
        return len(lines) + behind * len(lines) // max(1, size)

    def _publish(self, entries: list[Entry]) -> None:
        """Send first: the rest is bookkeeping, which nobody waits for."""
        self._send(entries)
        for entry in entries:
            self._window.add(entry)
            if entry.message is not None and entry.tally.published:
                size = len(entry.message.payload)
                self._pacing.published(entry.end, size, entry.tally.published)

    def _send(self, entries: list[Entry]) -> None:
        loaded = [entry for entry in entries if entry.message is not None]
        messages = [entry.message for entry in loaded if entry.message is not None]
        ids = self._connection.publish_all(messages)
        for entry, message_id in zip(loaded, ids, strict=False):  # all of them, or none
            self._window.sent(entry, message_id)
        if ids:
            metrics.count_sent(messages)
        elif messages and self._connection.ready and self._retry_at is None:
            self._retry_at = time.monotonic() + _RETRY_FIRST

    def _settle(self) -> None:
        settled = self._window.settle()
        if settled:
            metrics.count_settled(settled, datetime.now(UTC))
            self._acknowledged = settled[-1].end
            self._refusals = 0

    def _look_after(self, now: float) -> None:
        self._announcer.announce(self._acknowledged)
        moved = self._acknowledged != self._saved
        if moved and now - self._saved_at >= _SAVE_SECONDS and self._saver.idle:
            self._saved_at = now
            checkpoint = self._checkpoint()
            self._saver.start(lambda: self._save(checkpoint))
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            metrics.measure(self._window, self._lines, self._tail.backlog_bytes())
            metrics.count_reasons(self._composer.reasons)

    def _checkpoint(self) -> Checkpoint | None:
        return self._tail.checkpoint(self._acknowledged) if self._acknowledged else None

    def _save(self, checkpoint: Checkpoint | None) -> None:
        if checkpoint is not None:
            save_checkpoint(self._checkpoint_path, checkpoint)
            self._saved = checkpoint.position


def main(process: Process) -> None:
    """Bridge the log to the broker until asked to stop."""
    path = process.home.state / "positions" / f"{NAME}.json"
    broker = Broker.of(process.settings)
    topics = (_PACED_BY, REPLAY_REQUEST, DROPPED) if broker.protocol == MQTT_5 else (_PACED_BY,)
    with ExitStack() as cleanup:
        cleanup.enter_context(only_instance(path))
        connection = Connection(broker, f"citywx-{NAME}", subscriptions=topics, will=will_of(NAME))
        cleanup.callback(connection.close)
        hints = hints_for(process.home.readings_csv, connection)
        cleanup.callback(hints.stop)
        bridge = Bridge(process, connection, hints, path)
        cleanup.callback(bridge.stop)
        looked_at = 0.0
        while not process.stopping.is_set():
            if time.monotonic() - looked_at >= _LOOK_SECONDS:
                looked_at = time.monotonic()
                hints.look_after()
            bridge.step()
            if connection.ready:
                process.beat(f"acknowledged up to {bridge.acknowledged}")


if __name__ == "__main__":
    run(NAME, main, mistakes=(BrokerNotConfiguredError, AlreadyRunningError))
