"""A Dagster backfill of a year of several cities: how long it takes, and killed in the middle.

The daemon and every process that executes a run are killed while pieces are done and others under
way. What was done is not done again, the rest follows, and the rows are those of the backfill that
nobody disturbed. Settings: FILE (a CSV of readings; by default simulated ones), DAYS, CITIES.
"""

import gzip
import logging
import os
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, text

from citywx.home import Home
from citywx.settings import Settings
from citywx.staging.appender import Appender
from citywx.warehouse.load import load_log
from citywx.weather.city import City
from citywx.weather.cleaning import CLEAN_COLUMNS
from streaming.sources.simulated_weather import Climate
from streaming.sources.simulator import simulated_readings
from tests.faults.cases import Figures, Options
from tests.faults.dagster_rig import DAEMON, Backfill, DagsterRig, running_dagster

_FIRST = date(2024, 1, 1)
_DAYS, _QUICK_DAYS = 365, 210
_CITIES, _QUICK_CITIES = 8, 3
_ROTATE_BYTES = 1 << 30
_DONE, _AT_WORK = "SUCCESS", "STARTED"
_OVER = ("COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED")
_log = logging.getLogger(__name__)


def run(options: Options) -> list[Figures]:
    """Backfill undisturbed, then again with everything killed in the middle."""
    cities = options.number("CITIES", _CITIES, _QUICK_CITIES)
    days = options.number("DAYS", _DAYS, _QUICK_DAYS)
    file = options.settings.get("FILE")

    def prepare(settings: Settings, home: Home, engine: Engine) -> None:
        if file:
            _copy(Path(file), home.readings_csv)
        else:
            _simulate(home.readings_csv, cities, days)
        load_log(engine, home.readings_csv, earliest=settings.history_start)
        with engine.begin() as connection:  # as if all had been cleaned, by other rules
            connection.execute(text("DELETE FROM dirty_windows"))

    with running_dagster(prepare) as rig:
        keys = _days_of(rig.engine)
        undisturbed = _undisturbed(rig, keys)
        expected = _rows(rig.engine)
        with rig.engine.begin() as connection:
            connection.execute(text("TRUNCATE weather_readings"))
        killed = _killed(rig, keys)
        problems = [] if _rows(rig.engine) == expected else ["rows differ after the kill"]
    load = os.getloadavg()[0]
    about = {"days": len(keys), "rows": expected[0], "load_average": load}
    return [
        {"what": "undisturbed", "trials": 1, **about, **undisturbed},
        {"what": "killed", "trials": 1, **about, **killed, "problems": problems},
    ]


def _undisturbed(rig: DagsterRig, keys: list[str]) -> Figures:
    began = time.monotonic()
    backfill = rig.launch(keys)
    done = rig.wait(backfill, lambda found: _all_done(found, keys))
    seconds = time.monotonic() - began
    rig.wait(backfill, lambda found: found.status in _OVER)
    return {
        "runs": len(done.runs),
        "seconds": round(seconds, 1),
        "seconds_until_completed": round(time.monotonic() - began, 1),
    }


def _killed(rig: DagsterRig, keys: list[str]) -> Figures:
    began = time.monotonic()
    backfill = rig.launch(keys)
    before = rig.wait(backfill, lambda found: bool(found.of(_DONE) and found.of(_AT_WORK)))
    rig.supervisor.hold(DAEMON)
    victims = rig.kill_runs()
    _log.info("%d runs were done; killed the daemon and %d runs", len(before.of(_DONE)), victims)
    time.sleep(2)
    rig.supervisor.release(DAEMON)
    after = rig.wait(backfill, lambda found: _all_done(found, keys))
    seconds = time.monotonic() - began
    repeated = [
        span for span, times in Counter(r.days for r in after.of(_DONE)).items() if times > 1
    ]
    rig.wait(backfill, lambda found: found.status in _OVER)
    return {
        "killed_runs": victims,
        "done_before": len(before.of(_DONE)),
        "runs": len(after.runs),
        "repeated": len(repeated),
        "seconds": round(seconds, 1),
        "seconds_until_completed": round(time.monotonic() - began, 1),
    }


def _all_done(found: Backfill, keys: list[str]) -> bool:
    """Whether every day was done by some run."""
    done = set()
    for run_ in found.of(_DONE):
        first, last = map(date.fromisoformat, run_.days)
        done |= {(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)}
    return done >= set(keys)


def _days_of(engine: Engine) -> list[str]:
    query = text(
        "SELECT DISTINCT (timestamp AT TIME ZONE 'UTC')::date FROM raw_readings ORDER BY 1"
    )
    with engine.connect() as connection:
        return [day.isoformat() for day in connection.execute(query).scalars()]


def _rows(engine: Engine) -> tuple[int, str]:
    """How many cleaned rows there are, and a digest of all of them."""
    columns = ", ".join(f't."{name}"' for name in CLEAN_COLUMNS)
    rows = f"SELECT city, timestamp, ROW({columns}) AS row FROM weather_readings AS t"  # noqa: S608 - our own names
    digest = "md5(string_agg(md5(row::text), '' ORDER BY city, timestamp))"
    query = text(f"SELECT count(*), {digest} FROM ({rows}) AS rows")  # noqa: S608 - the same
    with engine.connect() as connection:
        found = connection.execute(query).one()
    return int(found[0]), str(found[1])


def _copy(file: Path, readings_csv: Path) -> None:
    readings_csv.parent.mkdir(parents=True)
    opener = gzip.open if file.suffix == ".gz" else open
    with opener(file, "rb") as source:
        readings_csv.write_bytes(source.read())


def _simulate(readings_csv: Path, cities: int, days: int) -> None:
    start = datetime(_FIRST.year, _FIRST.month, _FIRST.day, tzinfo=UTC).timestamp()
    times = start + 3600.0 * np.arange(24 * days, dtype=np.float64)
    with Appender(readings_csv, _ROTATE_BYTES) as log:
        for number in range(cities):
            city = City(f"City {number}", "XX", 5.0 + 7 * number, 10.0 * number)
            log.append(list(simulated_readings(city, Climate(number, city), times)))
