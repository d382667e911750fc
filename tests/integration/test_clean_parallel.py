"""Cleaning on other processes gives the rows that cleaning here gives, whoever dies meanwhile."""

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text

from citywx.compute import DaskUnreachableError, ExecutorOpener, executor
from citywx.settings import Settings
from citywx.warehouse.clean import CleanResult, InvalidRowsError, clean_days, rules_of, work_in
from citywx.warehouse.clean_parallel import clean_batches_on, clean_days_on
from citywx.warehouse.load import load_log
from citywx.warehouse.windows import Chunk, by_turns
from citywx.weather.cleaning import CLEAN_COLUMNS
from citywx.weather.reading import Reading, to_csv_line
from citywx.weather.schemas import FailureReport
from tests.support.ports import free_port
from tests.support.weather_services import wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
START = datetime(2020, 3, 1, tzinfo=UTC)
CITIES = [f"City {number}" for number in range(8)]
ALL = [date(2020, 3, 1) + timedelta(days=n) for n in range(62)]


@pytest.fixture
def loaded(engine: Engine, database_url: str, tmp_path: Path) -> Settings:
    """Some hours of two days, months apart, of many cities: loaded, and nothing cleaned."""
    log = tmp_path / "readings.csv"
    with log.open("wb") as file:
        for number, city in enumerate(CITIES):
            for day in (0, 61):
                for hour in range(8):
                    moment = START + timedelta(days=day, hours=hour)
                    warmth = None if hour == 3 else 10 + (number + hour * 7) % 11
                    file.write(to_csv_line(Reading(moment, city, warmth, 50, 1010, 3, "rain")))
    load_log(engine, log, earliest=START)
    return Settings(_env_file=None, database_url=SecretStr(database_url), workers=2)


def opener(settings: Settings) -> ExecutorOpener:
    return partial(executor, settings)


def never() -> AbstractContextManager[Executor]:
    message = "no executor is wanted"
    raise AssertionError(message)


def rows(engine: Engine) -> list[str]:
    columns = ", ".join(f'"{name}"' for name in CLEAN_COLUMNS)
    query = f"SELECT ROW({columns})::text FROM weather_readings ORDER BY city, timestamp"  # noqa: S608
    with engine.connect() as connection:
        return list(connection.execute(text(query)).scalars())


def cleaned_here(engine: Engine, settings: Settings) -> list[str]:
    """The rows as one process makes them; then none of them is there."""
    clean_days(engine, ALL, settings=settings, only_dirty=False)
    found = rows(engine)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE weather_readings"))
    assert len(found) == 16 * len(CITIES)
    return found


def clean_on(engine: Engine, settings: Settings) -> CleanResult:
    work = work_in(engine, (ALL[0], ALL[-1]), rules_of(settings), only_dirty=False)
    batches = [(chunk,) for batch in work for chunk in batch]
    assert len(batches) == 2 * len(CITIES)
    return clean_batches_on(opener(settings), batches, settings)


def test_a_pool_gives_the_same_rows(loaded: Settings, engine: Engine) -> None:
    expected = cleaned_here(engine, loaded)
    result = clean_on(engine, loaded)
    assert rows(engine) == expected
    assert result.written == len(expected)


def test_little_work_opens_no_executor_and_moves_the_watermarks(
    loaded: Settings, engine: Engine
) -> None:
    result = clean_days_on(never, engine, ALL, settings=loaded)
    assert result.windows == 2 * len(CITIES)
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM dirty_windows")).scalar_one()
        names = connection.execute(text("SELECT name FROM watermarks")).scalars().all()
    assert left == 0
    assert {"cleaned_through", "validated_through"} <= set(names)


def test_invalid_rows_come_whole_from_another_process() -> None:
    report = FailureReport(1, 1, ({"check": "in_range", "row": "Oslo"},))
    error = pickle.loads(pickle.dumps(InvalidRowsError(report)))  # noqa: S301 - our own bytes
    assert error.report == report
    assert str(error) == str(InvalidRowsError(report))


_LOCAL = ("--no-dashboard", "--host", "127.0.0.1")


class Cluster:
    """A scheduler and two workers, each a process of its own, over TCP on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.scheduler = self._start("scheduler", "--port", self.address.rpartition(":")[2])
        self.workers = [
            self._start("worker", self.address, "--nthreads", "1", "--no-nanny", "--name", str(n))
            for n in range(2)
        ]

    def _start(self, role: str, *words: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{role}", *words, *_LOCAL],
                cwd=self.folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.close()


def on(cluster: Cluster, settings: Settings) -> Settings:
    return settings.model_copy(update={"dask_scheduler": cluster.address})


def test_a_dask_cluster_gives_the_same_rows(
    loaded: Settings, engine: Engine, cluster: Cluster
) -> None:
    expected = cleaned_here(engine, loaded)
    result = clean_on(engine, on(cluster, loaded))
    assert rows(engine) == expected
    assert result.written == len(expected)


def test_a_killed_dask_worker_costs_nothing_but_time(
    loaded: Settings, engine: Engine, cluster: Cluster
) -> None:
    expected = cleaned_here(engine, loaded)
    with ThreadPoolExecutor(1) as threads:
        cleaning = threads.submit(clean_on, engine, on(cluster, loaded))
        wait_until(lambda: bool(rows(engine)), 60)
        cluster.workers[0].kill()
        done_then = len(rows(engine))
        cleaning.result(60)
    assert done_then < len(expected)
    assert rows(engine) == expected


def test_a_scheduler_that_goes_away_is_told(
    loaded: Settings, engine: Engine, cluster: Cluster
) -> None:
    with ThreadPoolExecutor(1) as threads:
        cleaning = threads.submit(clean_on, engine, on(cluster, loaded))
        wait_until(lambda: bool(rows(engine)), 60)
        cluster.scheduler.kill()
        with pytest.raises(DaskUnreachableError, match="went away"):
            cleaning.result(100)


def test_the_cities_take_turns() -> None:
    batches = [(Chunk(city, START, START, (n,)),) for city, n in (("a", 1), ("a", 2), ("b", 3))]
    assert [batch[0].windows for batch in by_turns(batches)] == [(1,), (3,), (2,)]
