"""SIGKILLs of loaders and PostgreSQL while lines are written, and two loaders that start at once.

Settings: SEED, TRIALS (kills of each), PAIRS (runs with two loaders at once).
"""

import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.faults.cases import Figures, Options, upper_bound
from tests.faults.database import Database
from tests.faults.loads import Compared, Log, compare
from tests.faults.supervisor import Service, Supervisor

TRIALS, QUICK_TRIALS = 200, 5
PAIRS, QUICK_PAIRS = 50, 3
_LINES = 1_000
_LONGEST_PAUSE = 1.2
_LOADERS = ("loader-1", "loader-2")
_ROOT = Path(__file__).parents[2]
_log = logging.getLogger(__name__)


@dataclass
class _Stage:
    """A log, a database, and who works on them."""

    folder: Path
    log: Log
    database: Database
    supervisor: Supervisor = field(default_factory=Supervisor)

    @property
    def environment(self) -> dict[str, str]:
        """What a loader is started with."""
        return {"PATH": os.environ["PATH"], "DATABASE_URL": self.database.url} | {
            name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ
        }

    def command(self, *options: str) -> list[str]:
        """A loader."""
        return [sys.executable, "-m", "tests.faults.loader", str(self.log.path), *options]

    def add_loader(self, name: str) -> None:
        """Keep a loader running."""
        path = self.folder / f"{name}.log"
        self.supervisor.add(Service(name, self.command(), path, self.environment, _ROOT))

    def until(self, done: Callable[[psycopg.Connection], bool], seconds: float) -> None:
        """Wait; TimeoutError says that it took too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.supervisor.check()
            try:
                with self.database.connect() as connection:
                    if done(connection):
                        return
            except psycopg.OperationalError as error:
                _log.debug("the database: %s", error)
            time.sleep(0.2)
        message = f"not within {seconds:g} s"
        raise TimeoutError(message)


def run(options: Options) -> list[Figures]:
    """First the kills, then the pairs; each on a database of its own."""
    return [_kills(options), _pairs(options)]


def _kills(options: Options) -> Figures:
    trials = options.number("TRIALS", TRIALS, QUICK_TRIALS)
    dice = random.Random(options.seed)  # noqa: S311 - to repeat a failure
    victims = ["loader", "postgres"] * trials
    dice.shuffle(victims)
    began = time.monotonic()
    with _staged(dice) as stage:
        for name in _LOADERS:
            stage.add_loader(name)
        for number, victim in enumerate(victims):
            stage.log.append(dice.randrange(_LINES))
            time.sleep(dice.uniform(0, _LONGEST_PAUSE))
            name = dice.choice(_LOADERS) if victim == "loader" else victim
            while not stage.supervisor.kill(name):
                time.sleep(0.02)  # it is being started again
            if number % 50 == 0:
                _log.info("%d of %d kills, %d lines", number, len(victims), stage.log.lines)
        stage.until(lambda connection: _done(connection, stage.log), 120)
        with stage.database.connect() as connection:
            compared = compare(connection, stage.log)
        exits = [f"{end.name} ended: {end.tail}" for end in stage.supervisor.exits_of(*_LOADERS)]
    figures = _figures("kills", compared, stage.log, began, exits)
    return figures | {"trials": len(victims), "failure_rate_below": upper_bound(trials)}


def _pairs(options: Options) -> Figures:
    trials = options.number("PAIRS", PAIRS, QUICK_PAIRS)
    dice = random.Random(options.seed + 1)  # noqa: S311
    began = time.monotonic()
    problems = []
    with _staged(dice) as stage:
        for _ in range(trials):
            stage.log.append(3 * _LINES)
            pair = [
                subprocess.Popen(stage.command("--once"), cwd=_ROOT, env=stage.environment)
                for _ in _LOADERS
            ]
            codes = [loader.wait(120) for loader in pair]
            if any(codes):
                problems.append(f"loaders ended with {codes}")
        with stage.database.connect() as connection:
            compared = compare(connection, stage.log)
    return _figures("two at once", compared, stage.log, began, problems) | {"trials": trials}


def _done(connection: psycopg.Connection, log: Log) -> bool:
    row = connection.execute(
        "SELECT (SELECT coalesce(sum(lines), 0) FROM ingest_batches),"
        " (SELECT count(*) FROM dirty_windows)"
    ).fetchone()
    return row is not None and (int(row[0]), int(row[1])) == (log.lines, 0)


def _figures(case: str, compared: Compared, log: Log, began: float, problems: list[str]) -> Figures:
    found = [*problems, *compared.problems]
    if compared.lost or compared.double or compared.corrupt:
        found.append(f"rows lost, double or corrupt: {compared}")
    return {
        "case": case,
        "lost": compared.lost,
        "double": compared.double,
        "corrupt": compared.corrupt,
        "seconds": round(time.monotonic() - began),
        "lines": log.lines,
        "rows": len(log.readings),
        "problems": found,
    }


@contextmanager
def _staged(dice: random.Random) -> Iterator[_Stage]:
    with tempfile.TemporaryDirectory(prefix="citywx-loads-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # where we are root the server runs as somebody else
        database = Database(folder / "postgres")
        stage = _Stage(folder, Log(folder / "readings.csv", dice), database)
        try:
            server = database.service(folder / "postgres.log", dict(os.environ), ())
            stage.supervisor.add(server)
            database.migrate()
            yield stage
        finally:
            stage.supervisor.stop([*_LOADERS, "postgres"])
