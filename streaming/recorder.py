"""Readings → `live_readings`, `alerts.ndjson` → `alerts`, statuses; tells Dagster now and then.

Rows and position are one transaction, so every reading is applied once and in log order. With the
database down nothing is kept in memory: the log has everything.
"""

import logging
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from prometheus_client import Counter
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from citywx.staging.position import Checkpoint, Position, save_checkpoint
from citywx.warehouse.database import DatabaseNotConfiguredError, engine_for, is_migrated
from streaming.background import Background
from streaming.broker import Broker, BrokerNotConfiguredError, Message
from streaming.consumer import LogConsumer
from streaming.dagster_report import DagsterReport
from streaming.live_writer import Batch, LiveWriter
from streaming.log_source import log_source
from streaming.messages import READINGS, READINGS_BATCH, replay_response_topic
from streaming.mqtt import Connection
from streaming.only_instance import AlreadyRunningError, only_instance
from streaming.process import Process, run
from streaming.recorder_tables import (
    PRUNE_BATCH,
    READINGS_CONSUMER,
    load_position,
    prune_live,
    save_position,
    write_alerts,
)
from streaming.status import Announcer, will_of
from streaming.status_recorder import STATUS_TOPICS, StatusRecorder

NAME = "recorder"
CLIENT_ID = f"citywx-{NAME}"
_WAIT_SECONDS = 0.25
_BATCH_SECONDS = 0.25
_BATCH_ROWS = 5_000
_HINT_SECONDS = 1.0
_PRUNE_SECONDS = 15.0
_PRUNE_BATCHES = 10  # at most, so that readings do not wait
_BACKOFF_FIRST, _BACKOFF_LAST = 0.2, 5.0

_log = logging.getLogger(__name__)
_ROWS = Counter("citywx_recorder_rows", "Rows written", ["table"])
_PRUNED = Counter("citywx_recorder_pruned", "Live rows deleted since the batch has them")


class Recorder:
    """Collects readings into small batches and writes them with its position."""

    def __init__(self, process: Process, engine: Engine, connection: Connection) -> None:
        """Continue from the position in the database."""
        with engine.connect() as database:
            start = load_position(database, READINGS_CONSUMER)
        self._engine = engine
        self._connection = connection
        self._home = process.home
        source = log_source(process.settings, process.home.readings_csv, connection, CLIENT_ID)
        self._consumer = LogConsumer(source, start)
        self._announcer = Announcer(connection, NAME)
        self._statuses = StatusRecorder()
        self._report = DagsterReport(process.settings.dagster_url)
        self._writer = LiveWriter(engine)
        self._batch_began = 0.0
        self._committed = start
        self._alerts_seen: tuple[int, int, int] | None = None
        self._hinted: Checkpoint | None = None
        self._saver = Background("noting the recorder's position")
        self._session = 0
        self._hint_at = self._prune_at = 0.0

    @property
    def detail(self) -> str:
        """Where it is, for people."""
        return f"recorded up to {self._position}"

    @property
    def _position(self) -> Position | None:
        return self._committed.position if self._committed else None

    def step(self) -> None:
        """Wait for readings; write them when the batch is due."""
        self._connection.wait(self._consumer.patience(_WAIT_SECONDS))
        now = time.monotonic()
        if self._connection.session != self._session:
            self._session = self._connection.session
            self._consumer.look()
        messages = self._connection.messages()
        self._note_statuses(messages)
        taken = self._consumer.take(messages, now)
        if taken and not self._writer.batch.rows:
            self._batch_began = now
        self._writer.add(taken)
        full = self._writer.batch.rows >= _BATCH_ROWS
        due = full or now - self._batch_began >= _BATCH_SECONDS
        if due:
            self.write()
            self._batch_began = now
        self._announcer.announce(self._position)
        self._look_after(now)

    def write(self) -> None:
        """Write what has come: readings with their position, and new alert events."""
        events, batch = 0, Batch(0, None)
        checkpoint = self._consumer.checkpoint()
        if checkpoint is not None and checkpoint.position != self._position:
            batch = self._writer.batch
            save_position(self._writer.finish(), READINGS_CONSUMER, checkpoint)
            self._writer.commit()
            self._committed = checkpoint
        about = _identity(self._home.alerts_log)
        if about != self._alerts_seen:
            with self._engine.begin() as database:
                events = write_alerts(database, self._home.alerts_log)
            if events == 0:
                self._alerts_seen = about  # else there may be more
        _ROWS.labels("live_readings").inc(batch.rows)
        _ROWS.labels("alerts").inc(events)
        self._report.note(batch.rows, events, batch.newest)

    def _note_statuses(self, messages: Sequence[Message]) -> None:
        now = datetime.now(UTC)
        for message in messages:
            self._statuses.note(message, now)
        if self._statuses.due(now):
            with self._engine.begin() as database:
                self._statuses.write(database, now)

    def _look_after(self, now: float) -> None:
        self._report.send_if_due(now)
        if now - self._hint_at >= _HINT_SECONDS:
            self._hint_at = now
            self._hint()
        if now - self._prune_at >= _PRUNE_SECONDS:
            self._prune_at = now
            self._prune()

    def _prune(self) -> None:
        for _ in range(_PRUNE_BATCHES):
            with self._engine.begin() as database:
                deleted = prune_live(database)
            _PRUNED.inc(deleted)
            if deleted < PRUNE_BATCH:
                return

    def _hint(self) -> None:
        """Note the position for those who delete old segments; the truth is in the database."""
        checkpoint = self._committed
        if checkpoint is None or checkpoint == self._hinted or not self._saver.idle:
            return

        def job() -> None:
            save_checkpoint(self._home.state / "positions" / f"{NAME}.json", checkpoint)
            self._hinted = checkpoint

        self._saver.start(job)

    def stop(self) -> None:
        """Write what is collected."""
        self.write()
        self._saver.wait()
        self._hint()
        self._announcer.say_stopped(self._position)

    def close(self) -> None:
        """Let go of the log and of what is not written; wait for what is on its way."""
        self._writer.discard()
        self._saver.finish()
        self._consumer.close()
        self._report.stop()


def main(process: Process) -> None:
    """Record until asked to stop; begin again when the database is back or a batch has failed."""
    with ExitStack() as cleanup:
        positions = process.home.state / "positions"
        cleanup.enter_context(only_instance(positions / f"{NAME}.json"))
        engine = engine_for(process.settings, application=NAME, pool_size=2)
        cleanup.callback(engine.dispose)
        while not process.stopping.is_set():
            if not _wait_for_database(process, engine):
                return
            try:
                _record(process, engine)
            except (OperationalError, DBAPIError) as error:
                if not isinstance(error, OperationalError) and not error.connection_invalidated:
                    raise
                _log.warning("the database is gone, waiting for it: %s", type(error.orig).__name__)
            except psycopg.OperationalError as error:  # COPY speaks to the driver itself
                _log.warning("the database is gone, waiting for it: %s", type(error).__name__)
            except psycopg.errors.UniqueViolation:
                _log.warning("another process has written rows of this batch, beginning it anew")


def _record(process: Process, engine: Engine) -> None:
    connection = Connection(
        Broker.of(process.settings),
        CLIENT_ID,
        subscriptions=(READINGS, READINGS_BATCH, STATUS_TOPICS, replay_response_topic(CLIENT_ID)),
        will=will_of(NAME),
    )
    with ExitStack() as cleanup:
        cleanup.callback(connection.close)
        recorder = Recorder(process, engine, connection)
        cleanup.callback(recorder.close)
        while not process.stopping.is_set():
            recorder.step()
            process.beat(recorder.detail)
        recorder.stop()


def _wait_for_database(process: Process, engine: Engine) -> bool:
    """Wait until the database answers and has our schema; False when the process should end."""
    attempts, told = 0, ""
    while not process.stopping.is_set():
        try:
            with engine.connect() as database:
                if is_migrated(database):
                    return True
        except OperationalError:
            process.detail = "waiting for the database"
        else:
            process.detail = "waiting for the database's schema"
        if process.detail != told:
            told = process.detail
            _log.info(told)
        pause = min(_BACKOFF_LAST, _BACKOFF_FIRST * 2 ** min(attempts, 10))
        process.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter
        attempts += 1
    return False


def _identity(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file grows or is replaced; None while there is none."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    return about.st_dev, about.st_ino, about.st_size


if __name__ == "__main__":
    run(
        NAME,
        main,
        mistakes=(BrokerNotConfiguredError, DatabaseNotConfiguredError, AlreadyRunningError),
    )
