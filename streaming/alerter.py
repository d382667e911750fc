"""Readings → alerts: judges each reading at once, appends events, publishes them.

It needs no database. Its events are in `alerts.ndjson`, synced, before its snapshot passes the
readings that caused them; after a crash it judges from the snapshot on and drops the events that
the log already has, so that each stands there once. They are published again: harmless, since an
alert's id and event say that it is the same.
"""

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from prometheus_client import Counter, Gauge, Histogram

from citywx.staging.position import save_checkpoint
from citywx.weather.alerting.rules import RuleError, load_rules
from citywx.weather.alerting.steps import AlertBook, AlertEvent
from citywx.weather.reading import format_timestamp
from streaming.alerts_log import AlertsLog
from streaming.background import Background
from streaming.broker import Broker, BrokerNotConfiguredError, Message
from streaming.consumer import LogConsumer
from streaming.log_source import log_source
from streaming.messages import (
    ALERTS,
    READINGS,
    READINGS_BATCH,
    LogReading,
    alert_state_topic,
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
_RETRY_SECONDS = 0.5
_NEWS = timedelta(days=1)
"""Weather observed longer ago is history: its alerts are recorded, and nobody is written to."""

_log = logging.getLogger(__name__)

_EVENTS = Counter("citywx_alerter_events", "Alert events", ["rule", "event"])
_READINGS = Counter("citywx_alerter_readings", "Readings judged")
_IGNORED = Gauge("citywx_alerter_ignored", "Values not newer than what their rule had judged")
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
        self._book = AlertBook(load_rules(process.settings.alert_rules), snapshot.states)
        self._log = AlertsLog(process.home.alerts_log, snapshot.alerts_bytes)
        source = log_source(process.settings, process.home.readings_csv, connection, CLIENT_ID)
        self._consumer = LogConsumer(source, snapshot.checkpoint)
        self._announcer = Announcer(connection, NAME)
        self._saver = Background("saving the alerter's snapshot")
        self._session = 0
        self._outbox = Outbox(connection)
        self._saved = self._consumer.position
        self._saved_at = time.monotonic()

    def step(self) -> None:
        """Wait for readings, and judge them."""
        self._connection.wait(self._consumer.patience(_WAIT_SECONDS))
        now = time.monotonic()
        if self._connection.session != self._session:
            self._session = self._connection.session
            self._consumer.look()
        items = self._consumer.take(self._connection.messages(), now)
        for item in items:
            events = self._book.judge(item.reading)
            if events:
                self._announce(events, item)
        if items:
            _READINGS.inc(len(items))
            _observe(items[0])
        self._outbox.flush()
        self._announcer.announce(self._consumer.position)
        if now - self._saved_at >= _SAVE_SECONDS and self._saver.idle:
            self._save(now)

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

    def _announce(self, events: list[AlertEvent], item: LogReading) -> None:
        decided_at = datetime.now(UTC)
        fresh, messages = [], []
        for event in events:
            body = encode_body(_event_body(event, item, decided_at))
            key = (event.alert_id, event.event.value)
            if key not in self._log.written:
                fresh.append(body)
                _EVENTS.labels(event.rule_id, event.event.value).inc()
            messages += _messages(event, body)
        if fresh:
            self._write(fresh)
        self._outbox.put(*messages)

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
        _IGNORED.set(self._book.ignored)
        if self._consumer.position != self._saved:
            self._saver.start(self._snapshot_job())

    def _snapshot_job(self) -> Callable[[], None]:
        checkpoint = self._consumer.checkpoint()
        snapshot = Snapshot(checkpoint, self._log.size, self._book.states)

        def job() -> None:
            self._log.sync()
            save_snapshot(self._snapshot_path, encode_snapshot(snapshot))
            if checkpoint is not None:
                save_checkpoint(self._position_path, checkpoint)
                self._saved = checkpoint.position

        return job


def _observe(item: LogReading) -> None:
    written_at = item.reading.fetched_at
    if written_at is not None:
        _LATENCY.observe(max(0.0, (datetime.now(UTC) - written_at).total_seconds()))


def _event_body(event: AlertEvent, item: LogReading, decided_at: datetime) -> dict[str, object]:
    reading = item.reading
    counted_from, since = (
        ("write", reading.fetched_at) if reading.fetched_at else ("read", item.read_at)
    )
    latency = (decided_at - since) / timedelta(milliseconds=1) if since else None
    return {
        "v": 1,
        "alert_id": event.alert_id,
        "event": event.event.value,
        "rule_id": event.rule_id,
        "city": event.city,
        "severity": event.severity.value,
        "metric": event.metric,
        "value": event.value,
        "limit": event.limit,
        "message": event.message,
        "observed_at": format_timestamp(event.observed_at),
        "decided_at": format_timestamp(decided_at),
        "latency_ms": None if latency is None else round(latency, 3),
        "latency_from": counted_from,
        "segment": item.segment,
        "offset": item.offset,
        "notify": event.notify and decided_at - event.observed_at <= _NEWS,
    }


def _messages(event: AlertEvent, body: bytes) -> list[Message]:
    topic = alert_state_topic(event.rule_id, event.city)
    return [Message(ALERTS, body), Message(topic, body, retained=True)]


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
        alerter = Alerter(process, connection)
        cleanup.callback(alerter.close)
        while not process.stopping.is_set():
            alerter.step()
            process.beat(alerter.detail)
        alerter.stop()


if __name__ == "__main__":
    run(NAME, main, mistakes=(BrokerNotConfiguredError, AlreadyRunningError, RuleError))
