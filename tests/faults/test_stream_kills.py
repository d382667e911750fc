"""Processes of the speed layer are killed at random moments while rows are written all the time.

At the end every reading has been judged, every alert stands in `alerts.ndjson` once, and every row
is in the database. `KILLS=200` makes it long; the seed is told when it fails.
"""

import os
import random
import threading
import time

import pytest
from sqlalchemy import Engine, func, select

from citywx.warehouse.tables import alerts, live_readings
from tests.support.log_messages import append, line
from tests.support.stream import Stream, eventually

pytestmark = pytest.mark.integration
KILLS = int(os.environ.get("KILLS", "20"))
ROWS_PER_SECOND = 500
VICTIMS = ("bridge", "alerter", "recorder", "broker")


class Writer(threading.Thread):
    """Appends waves above and below 23 °C, a few rows at a time."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(daemon=True)
        self.rows = 0
        self.stopping = threading.Event()
        self._stream = stream

    def run(self) -> None:
        chunk = 10
        while not self.stopping.wait(chunk / ROWS_PER_SECOND):
            numbers = range(self.rows, self.rows + chunk)
            append(self._stream.log, *(line(n, 25.0 if n % 2 else 20.0) for n in numbers))
            self.rows += chunk


@pytest.mark.timeout(60 + 5 * KILLS)
def test_random_kills_lose_and_double_nothing(
    stream: Stream, engine: Engine, database_url: str
) -> None:
    seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    dice = random.Random(seed)  # noqa: S311 - to repeat a failure
    stream.environment["DATABASE_URL"] = database_url
    stream.start("bridge", "alerter", "recorder")
    writer = Writer(stream)
    writer.start()
    for _ in range(KILLS):
        moment = time.monotonic() + dice.uniform(0.1, 1.2)
        eventually(lambda until=moment: time.monotonic() >= until, "the moment comes")
        victim = dice.choice(VICTIMS)
        if victim == "broker":
            stream.broker.kill()
            stream.broker.start()
        else:
            stream.kill(victim)
            stream.start(victim)
    writer.stopping.set()
    writer.join()
    size, rows = stream.log.stat().st_size, writer.rows
    for name in ("bridge", "alerter", "recorder"):
        eventually(lambda name=name: stream.position(name) == size, f"{name} is at the end")
    keys = [(event["alert_id"], event["event"]) for event in stream.events()]
    assert len(keys) == len(set(keys)) == rows - 1

    def recorded(table: object) -> int:
        with engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]

    assert recorded(live_readings) == rows
    eventually(lambda: recorded(alerts) == rows - 1, "every event is a row")
