"""A broker, a database, the speed layer and the producer, running in a folder of their own."""

import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from citywx.home import Home
from citywx.local_stack.broker import USER, find_mosquitto, prepare_amqtt, prepare_mosquitto
from tests.faults.cases import Figures, Options
from tests.faults.database import Database
from tests.faults.gauges import Gauges
from tests.faults.ledger import count_rows
from tests.faults.positions import CONSUMERS, Positions
from tests.faults.supervisor import Service, Supervisor
from tests.faults.verdict import Verdict, judge
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
HOME_NAME = "faults"
RATE = 500
"""Rows a second."""
WARM_UP_SECONDS = 5.0
"""After so long a process has the size that it works with."""
_PASSWORD = "fault-tests"  # of a broker on loopback
_LOOK_SECONDS = 0.1
_TOLD_SECONDS = 15.0
_log = logging.getLogger(__name__)


class NotWithinError(Exception):
    """Something that must happen has not happened in time."""


@dataclass
class Plan:
    """What a case wants its rig to be."""

    broker: str = "mosquitto"
    kind: str = "raw"
    """How the producer writes; see `producer`."""
    rate: float = RATE
    consumers: Sequence[str] = CONSUMERS
    postgres_options: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    place: Callable[[Path], AbstractContextManager[None]] = lambda _: nullcontext()
    """Entered with the home's folder before anything is in it."""

    @classmethod
    def of(cls, options: Options) -> "Plan":
        """A plan with the broker (BROKER) and the load (RATE) that are asked for."""
        broker = options.words("BROKER", ("mosquitto",))[0]
        return cls(broker, rate=options.number("RATE", RATE, RATE))


@dataclass
class Rig:
    """What runs, and who watches it."""

    folder: Path
    plan: Plan
    home: Home
    database: Database
    supervisor: Supervisor
    broker_port: int = 0
    positions: Positions = field(init=False)
    gauges: Gauges = field(init=False)
    problems: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password of who may publish."""
        return USER, _PASSWORD

    @property
    def mqtt_url(self) -> str:
        return f"mqtt://{USER}:{_PASSWORD}@127.0.0.1:{self.broker_port}"

    @property
    def rows(self) -> int:
        """Rows in the ledger."""
        return count_rows(self.ledger)

    def wait_for(self, holds: Callable[[], bool], what: str, seconds: float = 60) -> float:
        """Wait until it holds; the seconds that took. NotWithinError after `seconds`."""
        began = told = time.monotonic()
        while not holds():
            self.supervisor.check()
            now = time.monotonic()
            if now - began > seconds:
                message = f"not within {seconds:g} s: {what}"
                raise NotWithinError(message)
            if now - told > _TOLD_SECONDS:
                told = now
                _log.info("%d s waiting for: %s", now - began, what)
            time.sleep(_LOOK_SECONDS)
        return time.monotonic() - began

    def go_on(self, seconds: float) -> None:
        """Let everything run on."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.supervisor.check()
            time.sleep(min(left, 0.5))

    def in_step(self, *consumers: str) -> bool:
        """Whether they are at most a second of rows behind the log's end."""
        a_second = self.positions.log_size / max(1, self.rows) * self.plan.rate
        return all(self.positions.lag(name) <= 2 * a_second for name in consumers or CONSUMERS)

    def until_in_step(self, *consumers: str, seconds: float = 120) -> float | None:
        """Seconds until they are in step; None, and a problem, when it takes too long."""
        what = f"{' and '.join(consumers or CONSUMERS)} in step"
        return self.until(lambda: self.in_step(*consumers), what, seconds)

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 120) -> float | None:
        """As `wait_for`, but what takes too long is a problem to note, and gives None."""
        try:
            return round(self.wait_for(holds, what, seconds), 2)
        except NotWithinError as error:
            self.problems.append(f"{error}: {self.positions.now}, log {self.positions.log_size}")
            return None

    def expect(self, holds: bool, problem: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Note a problem unless it holds."""
        if not holds:
            self.problems.append(problem)

    def start_producer(self) -> None:
        words = (str(self.ledger), str(self.home.readings_csv), str(self.plan.rate), self.plan.kind)
        self._add("producer", [sys.executable, "-m", "tests.faults.producer", *words])
        self.wait_for(lambda: self.rows > 0, "the first rows")

    def stop_producer(self) -> None:
        self.supervisor.hold("producer", signal.SIGTERM)
        self.wait_for(lambda: self.supervisor.pid("producer") is None, "the producer's end")

    def finish(self, seconds: float = 180) -> Verdict:
        """End the load, wait until all is dealt with, and compare; the sum of the verdicts."""
        self.stop_producer()
        self.until(self.positions.at_end, "everything dealt with", seconds)
        self.gauges.look()
        with self.database.connect() as connection:
            verdicts = judge(self.home, self.ledger, connection)
        for book, verdict in verdicts.items():
            self.expect(verdict.clean, f"{book}: {verdict}")
        for end in self.supervisor.exits:
            if end.name != "postgres":  # it ends itself when it cannot start: see the cases
                self.problems.append(f"{end.name} ended by itself, code {end.code}: {end.tail}")
        return sum(verdicts.values(), Verdict())

    def figures(self, verdict: Verdict, began: float) -> Figures:
        """What every case reports; `began`: monotonic seconds."""
        return {
            "seconds": round(time.monotonic() - began),
            "lost": verdict.lost,
            "double": verdict.double,
            "corrupt": verdict.corrupt,
            "rows": self.rows,
            "came_by": {name: dict(self._came_by(name)) for name in ("alerter", "recorder")},
            "lives": {name: one.lives for name, one in self.supervisor.services.items()},
            "problems": self.problems,
        }

    def _came_by(self, consumer: str) -> Mapping[str, float]:
        return self.gauges.total(consumer, "citywx_consumer_seen_total")

    def add(self, name: str) -> None:
        """Start a streaming process of ours."""
        self._add(name, [sys.executable, "-m", f"streaming.{name}"])

    def _add(self, name: str, command: list[str]) -> None:
        log = self.folder / f"{name}.log"
        self.supervisor.add(Service(name, command, log, self._environment(), ROOT))

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATA_DIR": str(self.folder),
            "HOME_NAME": HOME_NAME,
            "MQTT_URL": self.mqtt_url,
            "MQTT_PROTOCOL": "4" if self.plan.broker == "amqtt" else "5",
            "DATABASE_URL": self.database.url,
            "ALERT_RULES": str(ROOT / "tests/support/above_23.toml"),
            **self.plan.settings,
        }

    def start(self) -> None:
        """Start everything but the producer."""
        log = self.folder / "postgres.log"
        options = self.plan.postgres_options
        self.supervisor.add(self.database.service(log, dict(os.environ), options))
        self._add("broker", self._broker_command())
        self.database.migrate()
        for name in self.plan.consumers:
            self.add(name)
        self.positions = Positions(self.home, self.database)
        self.gauges = Gauges(self.home, self.supervisor)

    def _broker_command(self) -> list[str]:
        folder = self.folder / "broker"
        folder.mkdir(mode=0o700)
        self.broker_port = free_port()
        if self.plan.broker == "amqtt":
            return prepare_amqtt(folder, self.broker_port, _PASSWORD)
        mosquitto = find_mosquitto()
        if mosquitto is None:
            message = "Mosquitto is not installed (Debian: apt-get install mosquitto)"
            raise NotWithinError(message)
        return prepare_mosquitto(mosquitto, folder, self.broker_port, _PASSWORD)

    def stop(self) -> None:
        if hasattr(self, "positions"):
            self.positions.stop()
            self.gauges.stop()
        self.supervisor.stop(
            ("producer", "bridge", "alerter", "recorder", "notifier", "broker", "postgres")
        )


@contextmanager
def running(plan: Plan, *, producing: bool = True) -> Iterator[Rig]:
    """A rig that runs; its folder stays where problems were found."""
    folder = Path(tempfile.mkdtemp(prefix="citywx-faults-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    kept = True
    try:
        with plan.place(folder / HOME_NAME), _rig(folder, plan, producing=producing) as rig:
            yield rig
            kept = bool(rig.problems)
    finally:
        if kept:
            _log.error("kept for a look: %s", folder)
        else:
            shutil.rmtree(folder)


def disturbed(options: Options, disturb: Callable[[Rig, Options], Figures]) -> list[Figures]:
    """A row of results: what a disturbance has shown, and what became of the rows."""
    began = time.monotonic()
    with running(Plan.of(options)) as rig:
        found = disturb(rig, options)
        return [rig.figures(rig.finish(), began) | found]


@contextmanager
def _rig(folder: Path, plan: Plan, *, producing: bool) -> Iterator[Rig]:
    path = folder / HOME_NAME
    home = Home(path, path / "log" / "readings.csv")
    rig = Rig(folder, plan, home, Database(home.postgres / "data"), Supervisor())
    try:
        rig.start()
        if producing:
            rig.start_producer()
            rig.until_in_step()
        yield rig
    finally:
        rig.stop()
