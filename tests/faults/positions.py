"""Where the consumers of the log are: watched all the time, so that recovery can be timed.

The bridge and the alerter say it in files, the recorder in the database, where the truth is.
"""

import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from citywx.home import Home
from tests.faults.database import Database

CONSUMERS = ("bridge", "alerter", "recorder")
WATCHED = {
    "bridge": "bridge",
    "broker": "bridge",
    "alerter": "alerter",
    "recorder": "recorder",
    "postgres": "recorder",
}
"""Whose position says that a killed process's work goes on."""
_LOOK_SECONDS = 0.05
_ASK_SECONDS = 0.2


@dataclass(slots=True)
class Recovery:
    """A process was killed, and its consumer has to pass the end that the log had then."""

    victim: str
    size: int
    began: float
    seconds: float | None = None


class Positions:
    """Two threads that look: at files, and at a database that may hang or be gone."""

    def __init__(self, home: Home, database: Database) -> None:
        self.now = dict.fromkeys(CONSUMERS, 0)
        """Byte offsets of the next line that is not dealt with."""
        self.alert_rows = 0
        """Bytes of `alerts.ndjson` that are in the database."""
        self.recoveries: list[Recovery] = []
        self._home = home
        self._database = database
        self._stopping = threading.Event()
        for look in (self._look_at_files, self._ask_database):
            threading.Thread(target=look, name=look.__name__, daemon=True).start()

    @property
    def log_size(self) -> int:
        """Bytes in the log."""
        with suppress(FileNotFoundError):
            return self._home.readings_csv.stat().st_size
        return 0

    def lag(self, consumer: str) -> int:
        """Bytes of the log that the consumer has not dealt with."""
        return self.log_size - self.now[consumer]

    def note_kill(self, victim: str) -> None:
        """Time how long it takes until the work of `victim` has reached the log's present end."""
        self.recoveries.append(Recovery(victim, self.log_size, time.monotonic()))

    def pending(self) -> list[Recovery]:
        """Kills that are not recovered from yet."""
        return [recovery for recovery in self.recoveries if recovery.seconds is None]

    def at_end(self) -> bool:
        """Whether everything that is written has been dealt with."""
        alerts = self._home.alerts_log
        written = alerts.stat().st_size if alerts.exists() else 0
        return self.alert_rows == written and not any(self.lag(name) for name in CONSUMERS)

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def _look_at_files(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            for name in ("bridge", "alerter"):
                offset = read_offset(self._home.state / "positions" / f"{name}.json")
                if offset is not None:
                    self.now[name] = offset
            now = time.monotonic()
            for recovery in self.pending():
                if self.now[WATCHED[recovery.victim]] >= recovery.size:
                    recovery.seconds = now - recovery.began

    def _ask_database(self) -> None:
        while not self._stopping.is_set():
            with suppress(psycopg.Error), self._database.connect(2) as connection:
                while not self._stopping.wait(_ASK_SECONDS):
                    self._ask(connection)
            self._stopping.wait(_ASK_SECONDS)

    def _ask(self, connection: psycopg.Connection) -> None:
        query = "SELECT consumer, byte_offset FROM consumer_positions"
        found: dict[str, int] = dict(connection.execute(query).fetchall())
        self.now["recorder"] = found.get("recorder", 0)
        self.alert_rows = found.get("recorder-alerts", 0)


def read_offset(path: Path) -> int | None:
    """The offset in a checkpoint file; None where there is none that can be read."""
    try:
        return int(json.loads(path.read_bytes())["offset"])
    except (OSError, ValueError, KeyError):
        return None
