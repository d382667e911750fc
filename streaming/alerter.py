"""Readings → alerts: judges each reading at once, appends events, publishes them.

It needs no database. Its events are in `alerts.ndjson`, synced, before its snapshot passes the
readings that caused them; after a crash it judges from the snapshot on and drops the events that
the log already has, so that each stands there once. They are published again: harmless, since an
alert's id and event say that it is the same. Ticks of the clock that set something off stand in
the same log with their place among the readings, and are repeated there.
"""

import logging
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram

from citywx.staging.position import Position, save_checkpoint
from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.events import AlertEvent
from citywx.weather.alerting.table_reader import RuleError
from citywx.weather.reading import format_timestamp
from streaming.alert_messages import NO_LATENCY, event_body, latency, messages
from streaming.alerts_log import AlertsLog, Tick, event_key
from streaming.background import Background
from streaming.broker import Broker, BrokerNotConfiguredError
from streaming.consumer import LogConsumer
from streaming.judging import Judging
from streaming.log_source import log_source
from streaming.messages import (
    READINGS,
    READINGS_BATCH,
    LogReading,
    encode_body,
    replay_response_topic,
)
from streaming.mqtt import Connection
from streaming.only_instance import AlreadyRunningError, only_instance
from streaming.outbox import Outbox
from streaming.process import Process, run
from streaming.snapshot import Snapshot, encode_snapshot, load_snapshot, save_snapshot
from streaming.status import Announcer, will_of

NAME = "alerter"
CLIENT_ID = f"citywx-{NAME}"
_WAIT_SECONDS = 0.25
_SAVE_SECONDS = 0.5
_SAVE_SHARE = 0.002
"""At most this much of the time goes into snapshots: while one is made, readings wait."""
_TICK_SECONDS = 5.0
_RETRY_SECONDS = 0.5

_log = logging.getLogger(__name__)

_EVENTS = Counter("citywx_alerter_events", "Alert events", ["rule", "event"])
_READINGS = Counter("citywx_alerter_readings", "Readings judged")
_IGNORED = Gauge("citywx_alerter_ignored", "Readings too late to be judged, or of a lesser source")
_LATENCY = Histogram(
    "citywx_alerter_decision_seconds",
    "From the writing of the CSV line to the decision; of each group judged together, its first",
    buckets=(0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 60),
)


class Alerter:
    """Judges readings and keeps what must survive a crash."""

    def __init__(self, process: Process, connection: Connection) -> None:
        """Continue from the snapshot, or judge the log from its beginning."""
        self._process = process
        self._connection = connection
        self._snapshot_path = process.home.state / f"{NAME}.json"
        self._position_path = process.home.state / "positions" / f"{NAME}.json"
        snapshot = load_snapshot(self._snapshot_path)
        self._log = AlertsLog(process.home.alerts_log, snapshot.alerts_bytes)
        self._ticks = deque(self._log.ticks)
        self._outbox = Outbox(connection)
        source = log_source(process.settings, process.home.readings_csv, connection, CLIENT_ID)
        self._consumer = LogConsumer(source, snapshot.checkpoint)
        self._announcer = Announcer(connection, NAME)
        self._saver = Background("saving the alerter's snapshot")
        self._session = 0
        self._saved = self._consumer.position
        self._saved_at = self._ticked_at = time.monotonic()
        self._save_seconds = _SAVE_SECONDS
        self._judging = Judging(process.settings, process.home, snapshot.memory)
        self._tell_orphans()

    @property
    def _book(self) -> AlertBook:
        return self._judging.book

    def _tell_orphans(self) -> None:
        """Tell the ends of alerts whose rule is gone."""
        if self._book.orphans:
            self._announce(self._book.orphans, self._consumer.position, NO_LATENCY)

    def reload(self) -> None:
        """Take up the rules file as it is now; a wrong one is told, and the old rules stay."""
        try:
            digest = self._judging.reload()
        except RuleError as error:
            _log.error("the rules stay as they were: %s", error)
            return
        self._tell_orphans()
        at = format_timestamp(datetime.now(UTC))
        self._write([encode_body({"v": 1, "rules": digest, "at": at})])

    def step(self) -> None:
        """Wait for readings, and judge them."""
        self._connection.wait(self._consumer.patience(_WAIT_SECONDS))
        now = time.monotonic()
        if self._connection.session != self._session:
            self._session = self._connection.session
            self._consumer.look()
        items = self._consumer.take(self._connection.messages(), now)
        for item in items:
            if self._ticks:
                self._repeat_ticks(Position(item.segment, item.offset))
            events = self._book.judge(item.reading)
            if events:
                place = Position(item.segment, item.offset)
                self._announce(events, place, latency(item, datetime.now(UTC)))
        if items:
            _READINGS.inc(len(items))
            _observe(items[0])
        self._outbox.flush()
        if self._judging.scoring:
            self._score(items)
        if now - self._ticked_at >= _TICK_SECONDS and not self._consumer.behind:
            self._ticked_at = now
            self._tick()
        self._announcer.announce(self._consumer.position)
        if now - self._saved_at >= self._save_seconds and self._saver.idle:
            self._save(now)

    def _score(self, items: Iterable[LogReading]) -> None:
        """Let the anomaly score look at what was judged, now that this is on its way."""
        for item in items:
            if events := self._book.score():
                place = Position(item.segment, item.offset)
                self._announce(events, place, latency(item, datetime.now(UTC)))
        self._outbox.flush()

    def _repeat_ticks(self, place: Position) -> None:
        """Let the clock set off again what it did before the reading at `place`."""
        while self._ticks and self._ticks[0].place.order <= place.order:
            tick = self._ticks.popleft()
            events = self._book.tick(tick.at)
            if events:
                self._announce(events, tick.place, NO_LATENCY)

    def _tick(self) -> None:
        """Let the clock set off what is due; where it does, it stands in the log."""
        self._judging.look_for_models()
        place = self._consumer.position
        if place is None:
            return
        self._repeat_ticks(place)
        at = datetime.now(UTC)
        events = self._book.tick(at)
        if events is None:
            return
        self._write([Tick(place, at).body()])
        self._announce(events, place, NO_LATENCY)

    @property
    def detail(self) -> str:
        """Where it is, for people."""
        return f"judged up to {self._consumer.position}"

    def stop(self) -> None:
        """Save where it is; not after a failure: readings may have been left unjudged."""
        self._announcer.say_stopped(self._consumer.position)
        self._saver.finish()
        self._snapshot_job()()

    def close(self) -> None:
        """Let go of the logs."""
        self._saver.finish()
        self._consumer.close()
        self._log.close()

    def _announce(
        self,
        events: Iterable[AlertEvent],
        place: Position | None,
        took: dict[str, object],
    ) -> None:
        decided_at = datetime.now(UTC)
        segment, offset = (place.segment, place.offset) if place else ("", 0)
        fresh, told = [], []
        for event in events:
            content = event_body(event, segment, offset, decided_at) | took
            body = encode_body(content)
            if event_key(content) not in self._log.written:
                fresh.append(body)
                _EVENTS.labels(event.rule_id, event.event.value).inc()
            told += messages(event, body)
        if fresh:
            self._write(fresh)
        self._outbox.put(*told)

    def _write(self, bodies: list[bytes]) -> None:
        """Append events; while there is no room for them nothing else is judged."""
        told = False
        while True:
            try:
                self._log.append(bodies)
            except OSError as error:
                if not told:
                    _log.error("%s cannot be written, trying again: %s", self._log.path, error)
                told = True
                self._connection.wait(0)  # stays connected
                if self._process.wait(_RETRY_SECONDS):
                    raise
            else:
                return

    def _save(self, now: float) -> None:
        self._saved_at = now
        _IGNORED.set(self._book.late)
        if self._consumer.position != self._saved:
            self._saver.start(self._snapshot_job())

    def _snapshot_job(self) -> Callable[[], None]:
        began = time.perf_counter()
        checkpoint = self._consumer.checkpoint()
        content = encode_snapshot(Snapshot(checkpoint, self._log.size, self._book.memory()))
        took = time.perf_counter() - began
        self._save_seconds = max(_SAVE_SECONDS, took / _SAVE_SHARE)

        def job() -> None:
            self._log.sync()
            save_snapshot(self._snapshot_path, content)
            if checkpoint is not None:
                save_checkpoint(self._position_path, checkpoint)
                self._saved = checkpoint.position

        return job


def _observe(item: LogReading) -> None:
    written_at = item.reading.fetched_at
    if written_at is not None:
        _LATENCY.observe(max(0.0, (datetime.now(UTC) - written_at).total_seconds()))


def main(process: Process) -> None:
    """Judge readings until asked to stop."""
    with ExitStack() as cleanup:
        cleanup.enter_context(only_instance(process.home.state / f"{NAME}.json"))
        connection = Connection(
            Broker.of(process.settings),
            CLIENT_ID,
            subscriptions=(READINGS, READINGS_BATCH, replay_response_topic(CLIENT_ID)),
            will=will_of(NAME),
        )
        cleanup.callback(connection.close)
        reload = threading.Event()
        signal.signal(signal.SIGHUP, lambda *_: reload.set())
        alerter = Alerter(process, connection)
        cleanup.callback(alerter.close)
        while not process.stopping.is_set():
            if reload.is_set():
                reload.clear()
                alerter.reload()
            alerter.step()
            process.beat(alerter.detail)
        alerter.stop()


if __name__ == "__main__":
    run(NAME, main, mistakes=(BrokerNotConfiguredError, AlreadyRunningError, RuleError))
