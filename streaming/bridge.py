"""The log → MQTT: every line of the CSV becomes one message, in order, and none is lost.

The saved position moves only behind an unbroken run of acknowledgements, so that after any crash
the lines behind it are published again; consumers drop what comes twice. With the broker down the
position stands still and nothing is read beyond the window.
"""

import logging
import random
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import Counter, Gauge

from citywx.staging.lines import Line, Rejected, read_record
from citywx.staging.position import Checkpoint, Position, load_checkpoint, save_checkpoint
from citywx.staging.tail import Tail
from citywx.weather.reading import FUTURE_TOLERANCE
from streaming.background import Background
from streaming.hints import LogHints
from streaming.messages import (
    READINGS,
    REJECTED,
    LogReading,
    encode_reading,
    encode_rejected,
    status_topic,
)
from streaming.mqtt import Broker, BrokerNotConfiguredError, Connection, Message, Outcome
from streaming.only_instance import AlreadyRunningError, only_instance
from streaming.pacing import Pacing
from streaming.process import Process, run
from streaming.status import Announcer, read_status, will_of
from streaming.window import Entry, LineFate, Window

NAME = "bridge"
_PACED_BY = status_topic("alerter")
_LOOK_SECONDS = 1.0
_SAVE_SECONDS = 0.25
_RETRY_FIRST, _RETRY_LAST = 0.5, 30.0
_CHUNK_BYTES = 256 * 1024
_STRETCH = 200  # lines published before acknowledgements are read again

_log = logging.getLogger(__name__)
_LINES = Counter("citywx_bridge_lines", "Lines of the log that the position has passed", ["fate"])
_COUNTERS = {fate: _LINES.labels(fate.value) for fate in LineFate}
_REFUSED = Counter("citywx_bridge_refused", "Publishes that the broker refused")
_IN_FLIGHT = Gauge("citywx_bridge_in_flight", "Lines sent and not yet acknowledged")
_BACKLOG = Gauge("citywx_bridge_backlog_bytes", "Bytes of the log that are not read yet")


class Bridge:
    """Moves lines from the log through the window to the broker."""

    def __init__(self, process: Process, connection: Connection, checkpoint_path: Path) -> None:
        """Continue from the checkpoint, or begin at the oldest line."""
        self._connection = connection
        self._checkpoint_path = checkpoint_path
        self._earliest = process.settings.history_start
        self._max_window = process.settings.bridge_window
        start = load_checkpoint(checkpoint_path)
        self._tail = Tail(process.home.readings_csv, start)
        self._acknowledged = start.position if start else None
        self._saved = self._acknowledged
        self._published = self._acknowledged  # end of the last published line
        self._lines: deque[Line] = deque()
        self._window = Window()
        self._pacing = Pacing()
        self._announcer = Announcer(connection, NAME)
        self._saver = Background("saving the bridge's position")
        self._at_end = False  # nothing to read, as far as is known
        self._session = 0
        self._refusals = 0
        self._retry_at: float | None = None
        self._saved_at = 0.0
        self._looked_at = 0.0

    @property
    def acknowledged(self) -> Position | None:
        """Every line before it has been dealt with."""
        return self._acknowledged

    def step(self) -> None:
        """Wait for something to do, and do it."""
        woken = self._connection.wait(self._patience())
        now = time.monotonic()
        self._hear(now)
        if self._connection.session != self._session and self._connection.ready:
            self._session = self._connection.session
            self._window.connection_lost()
            self._send_again()
        elif self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._send_again()
        if woken or now - self._looked_at >= _LOOK_SECONDS:
            self._at_end = False
        if not self._at_end:
            self._forward()
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
        more = not self._at_end and self._room()
        return 0.0 if more else _LOOK_SECONDS / 2

    def _room(self) -> bool:
        allowed = min(self._max_window, self._connection.send_maximum)
        return self._connection.ready and len(self._window) < allowed and self._pacing.may_publish()

    def _hear(self, now: float) -> None:
        for outcome in self._connection.outcomes():
            if outcome.accepted:
                self._window.acknowledge(outcome.message_id)
            else:
                self._refused(outcome, now)
        for message in self._connection.messages():
            status = read_status(message)
            if status is not None and not message.retained:
                self._pacing.heard(status, now)

    def _refused(self, outcome: Outcome, now: float) -> None:
        _REFUSED.inc()
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

    def _send_again(self) -> None:
        for entry in self._window.unsent():
            self._send(entry)

    def _forward(self) -> None:
        """Read and publish a stretch of lines, as far as there is room for them."""
        for _ in range(_STRETCH):
            if not self._room():
                return
            if not self._lines:
                self._lines.extend(self._tail.read(_CHUNK_BYTES))
                self._at_end = not self._lines
                if self._at_end:
                    return
            self._publish(self._lines.popleft())

    def _publish(self, line: Line) -> None:
        now = datetime.now(UTC)
        end = Position(line.segment, line.end)
        record = read_record(line, earliest=self._earliest, latest=now + FUTURE_TOLERANCE)
        if record is None:
            self._window.add(Entry(end, LineFate.SKIPPED, None))
            return
        if isinstance(record, Rejected):
            message = Message(REJECTED, encode_rejected(record))
            entry = Entry(end, LineFate.REJECTED, message)
        else:
            read_at = None if record.fetched_at else now
            item = LogReading(record, line.segment, line.offset, line.end, read_at)
            before = self._published
            prev_end = before.offset if before and before.segment == line.segment else 0
            prev_end = prev_end if prev_end <= line.offset else 0  # the segment was begun anew
            entry = Entry(
                end, LineFate.PUBLISHED, Message(READINGS, encode_reading(item, prev_end))
            )
            self._published = end
            self._pacing.published(end)
        self._window.add(entry)
        self._send(entry)

    def _send(self, entry: Entry) -> None:
        if entry.message is None:
            return
        message_id = self._connection.publish(entry.message)
        if message_id is not None:
            self._window.sent(entry, message_id)
        elif self._connection.ready and self._retry_at is None:
            self._retry_at = time.monotonic() + _RETRY_FIRST

    def _settle(self) -> None:
        settled = self._window.settle()
        for entry in settled:
            _COUNTERS[entry.fate].inc()
        if settled:
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
            _IN_FLIGHT.set(len(self._window))
            _BACKLOG.set(self._tail.backlog_bytes())

    def _checkpoint(self) -> Checkpoint | None:
        return self._tail.checkpoint(self._acknowledged) if self._acknowledged else None

    def _save(self, checkpoint: Checkpoint | None) -> None:
        if checkpoint is not None:
            save_checkpoint(self._checkpoint_path, checkpoint)
            self._saved = checkpoint.position


def main(process: Process) -> None:
    """Bridge the log to the broker until asked to stop."""
    path = process.home.state / "positions" / f"{NAME}.json"
    with only_instance(path):
        connection = Connection(
            Broker.of(process.settings),
            f"citywx-{NAME}",
            subscriptions=(_PACED_BY,),
            will=will_of(NAME),
        )
        hints = LogHints(process.home.readings_csv, connection.wake)
        bridge = Bridge(process, connection, path)
        looked_at = 0.0
        try:
            while not process.stopping.is_set():
                if time.monotonic() - looked_at >= _LOOK_SECONDS:
                    looked_at = time.monotonic()
                    hints.look_after()
                bridge.step()
                if connection.ready:
                    process.beat(f"acknowledged up to {bridge.acknowledged}")
        finally:
            hints.stop()
            bridge.stop()
            connection.close()


if __name__ == "__main__":
    run(NAME, main, mistakes=(BrokerNotConfiguredError, AlreadyRunningError))
