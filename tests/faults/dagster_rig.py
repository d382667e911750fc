"""PostgreSQL and Dagster (code server, webserver, daemon) on a data home of their own."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
from pydantic import SecretStr
from sqlalchemy import Engine

from citywx.home import Home
from citywx.local_stack import postgres
from citywx.local_stack.plan import Ports
from citywx.local_stack.programs import dagster_environment, pipeline
from citywx.prepare import prepare_database
from citywx.settings import Settings, WeatherSource, raw_environment
from citywx.warehouse.database import engine_for
from tests.faults.database import Database
from tests.faults.supervisor import Service, Supervisor
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
CODE, WEB, DAEMON = "dagster-code", "dagster-webserver", "dagster-daemon"
POSTGRES = "postgres"
_HOME = "backfill"
_READY_SECONDS = 90
_END_SECONDS = 600
_LOOK_SECONDS = 0.5
_LAUNCH = """
mutation ($days: [String!]) {
  launchPartitionBackfill(backfillParams: {
    assetSelection: [{path: ["weather_readings"]}], partitionNames: $days
  }) { __typename ... on LaunchBackfillSuccess { backfillId } }
}"""
_LOOK = """
query ($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { runId status startTime endTime tags { key value } } }
  }
}"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a backfill."""

    run_id: str
    status: str
    days: tuple[str, str]
    """First and last partition."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill as Dagster sees it at one moment."""

    status: str
    runs: tuple[Run, ...]

    def of(self, *statuses: str) -> list[Run]:
        """Its runs with such a status."""
        return [run for run in self.runs if run.status in statuses]


@dataclass
class DagsterRig:
    """What runs, and how to ask it."""

    settings: Settings
    home: Home
    engine: Engine
    supervisor: Supervisor
    web_port: int

    def start(self) -> None:
        """Start Dagster's processes, and wait until they are ready."""
        database = self.settings.database_url
        url = database.get_secret_value() if database else ""
        code_port = free_port()
        environment = {
            **raw_environment(),
            **dagster_environment(self.home, url, code_port),
            "DATA_DIR": str(self.settings.data_dir),
            "HOME_NAME": self.home.name,
            "WEATHER_SOURCE": self.settings.weather_source.value,
            "DATABASE_URL": url,
        }
        ports = Ports(0, 0, self.web_port, code_port, 0)  # the others are not started from here
        for program in pipeline(self.settings, ports):
            if program.name in (CODE, WEB, DAEMON):
                log = self.home.path / f"{program.name}.log"
                self.supervisor.add(Service(program.name, program.command, log, environment, ROOT))
        deadline = time.monotonic() + _READY_SECONDS
        while not self.ready():
            if time.monotonic() > deadline:
                message = f"Dagster is not ready within {_READY_SECONDS} s"
                raise TimeoutError(message)
            time.sleep(_LOOK_SECONDS)

    def launch(self, days: Sequence[str]) -> str:
        """Ask for a backfill of these partitions; its id."""
        answer = self._ask(_LAUNCH, days=list(days))["launchPartitionBackfill"]
        return str(answer["backfillId"])

    def look(self, backfill: str) -> Backfill:
        """How the backfill is doing."""
        answer = self._ask(_LOOK, id=backfill)
        runs = tuple(_run(found) for found in answer["runsOrError"]["results"])
        return Backfill(answer["partitionBackfillOrError"]["status"], runs)

    def wait(
        self, backfill: str, until: Callable[[Backfill], bool], seconds: float = _END_SECONDS
    ) -> Backfill:
        """How it is once that holds; TimeoutError when it does not in time."""
        deadline = time.monotonic() + seconds
        while not until(found := self.look(backfill)):
            if time.monotonic() > deadline:
                message = f"not within {seconds} s: {found}"
                raise TimeoutError(message)
            time.sleep(_LOOK_SECONDS)
        return found

    def kill_runs(self) -> int:
        """SIGKILL every process that executes a run; how many there were."""
        pid = self.supervisor.pid(CODE)
        server = psutil.Process(pid).children() if pid else []
        runs = [child for process in server for child in process.children(recursive=True)]
        workers = [process for process in runs if "spawn_main" in " ".join(process.cmdline())]
        for process in workers:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return len(workers)

    def ready(self) -> bool:
        """Whether the code location is loaded and the daemon heard of."""
        query = """{
          repositoriesOrError { ... on RepositoryConnection { nodes { name } } }
          instance { daemonHealth { allDaemonStatuses { healthy required } } }
        }"""
        try:
            answer = self._ask(query)
        except requests.RequestException:
            return False
        daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
        healthy = all(daemon["healthy"] for daemon in daemons if daemon["required"])
        return bool(answer["repositoriesOrError"].get("nodes")) and healthy

    def _ask(self, query: str, **variables: object) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.web_port}/graphql"
        body = {"query": query, "variables": variables}
        answer = requests.post(url, json=body, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()["data"]
        return found


def _run(found: dict[str, Any]) -> Run:
    tags = {tag["key"]: tag["value"] for tag in found["tags"]}
    one = tags.get("dagster/partition", "")
    first = tags.get("dagster/asset_partition_range_start", one)
    last = tags.get("dagster/asset_partition_range_end", one)
    return Run(found["runId"], found["status"], (first, last))


@contextmanager
def running_dagster(prepare: Callable[[Settings, Home, Engine], None]) -> Iterator[DagsterRig]:
    """Start it all once `prepare` has filled the log and the database."""
    with tempfile.TemporaryDirectory(prefix="citywx-dagster-") as name:
        supervisor = Supervisor()
        try:
            settings = _with_database(Path(name), supervisor)
            home = Home.named(settings, _HOME)
            home.dagster.mkdir(parents=True)
            shutil.copyfile(ROOT / "dagster.yaml", home.dagster / "dagster.yaml")
            engine = engine_for(settings, application="fault tests", pool_size=2)
            prepare(settings, home, engine)
            rig = DagsterRig(settings, home, engine, supervisor, web_port=free_port())
            rig.start()
            yield rig
            engine.dispose()
        finally:
            supervisor.stop([DAEMON, WEB, CODE, POSTGRES])


def _with_database(folder: Path, supervisor: Supervisor) -> Settings:
    """Settings of a home with a database of its own, which runs."""
    folder.chmod(0o755)  # PostgreSQL may run as another user
    database = Database(folder / POSTGRES)
    log = folder / "postgres.log"
    supervisor.add(database.service(log, raw_environment(), ("fsync=off",)))
    postgres.prepare(database.data, database.port, database.password)
    settings = Settings(
        _env_file=None,
        data_dir=folder,
        home_name=_HOME,
        weather_source=WeatherSource.OPEN_METEO,
        database_url=SecretStr(database.url),
    )
    prepare_database(settings)
    return settings
