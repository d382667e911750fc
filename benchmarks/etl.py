"""`make bench-etl [QUICK=1] [CASES=first-load,again,increment]`.

The batch layer beside what people would use instead, side by side in one run: each round measures
everyone in turn; figures are medians over rounds.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import etl_queries
from benchmarks.database import Server, server
from benchmarks.etl_rows import write_rows
from benchmarks.figures import Figure, beside, medians
from benchmarks.machine import machine, versions
from benchmarks.report import Row, asked_cases, merge, tables, write_section
from benchmarks.rig import ROOT
from citywx.local_stack import postgres

QUICK = os.environ.get("QUICK") == "1"
ROUNDS = 1 if QUICK else 3
_ROWS = 200_000 if QUICK else 1_000_000
_BEHIND = (10_000, 100_000) if QUICK else (10_000, 1_000_000, 10_000_000)
_NEW = 1_000
_COPY, _NAIVE, _STAGE = "psql \\copy, keyed table", "read_csv, apply, to_sql", "stage, ON CONFLICT"
_HOW = """\
- Rows come from eight cities, one in ten minutes each (`etl_rows.py`). PostgreSQL is the embedded
  one with its durable default settings, new for each measurement; its work counts in the seconds.
- *First load*: CSV → `raw_readings`, committed. *To clean rows*: on to `weather_readings` with all
  quality tests, imputation, Pandera, and statistics by hour and day.
- `psql \\copy` writes into a table with the same key, and nothing else. The naive way reads the
  whole file, makes flags by `apply` and writes with `to_sql` into a table without a key.
- *The same again*: every line is a duplicate. The peer copies into an unlogged stage and inserts
  with ON CONFLICT DO NOTHING.
- *New rows*: 1,000 rows behind that many; seconds of work inside a run whose imports are done.
- Memory is the most that the client process had resident.
"""
Measured = dict[str, float]


def first_load(folder: Path) -> Iterator[list[Figure]]:
    """A million rows, to raw readings and on to clean ones."""
    path = folder / "readings.csv"
    write_rows(path, 0, _ROWS)
    loads, cleans, copies, naives = [], [], [], []
    for number in range(ROUNDS):
        with server(folder / f"first-{number}") as database:
            copies.append(_copy(database, path))
            loads.append(_step(database, "load", path))
            cleaned = _step(database, "clean", path)
            naives.append(_step(database, "naive", path))
        memory = max(loads[-1]["memory"], cleaned["memory"])
        cleans.append({"seconds": loads[-1]["seconds"] + cleaned["seconds"], "memory": memory})
    peers = {_COPY: medians(copies), _NAIVE: medians(naives)}
    yield beside(f"first load of {_ROWS:,} rows", _unit, medians(loads), peers)
    yield beside(f"{_ROWS:,} rows to clean rows", _unit, medians(cleans), peers)


def again(folder: Path) -> Iterator[list[Figure]]:
    """The same rows again."""
    path, doubled = folder / "again.csv", folder / "doubled.csv"
    write_rows(path, 0, _ROWS)
    ours, peer = [], []
    for number in range(ROUNDS):
        with server(folder / f"again-{number}") as database:
            doubled.write_bytes(path.read_bytes())
            _step(database, "load", doubled)
            _copy(database, path)
            with doubled.open("ab") as file:
                file.write(path.read_bytes().partition(b"\n")[2])
            ours.append(_step(database, "load", doubled))
            peer.append(_stage(database, path))
    yield beside(f"the same {_ROWS:,} rows again", _unit, medians(ours), {_STAGE: medians(peer)})


def increment(folder: Path) -> Iterator[list[Figure]]:
    """A thousand new rows behind few and behind many, and the dashboard's queries there."""
    few = f"behind {_BEHIND[0]:,}"
    found: dict[int, Measured] = {}
    for behind in _BEHIND:
        path = folder / f"behind-{behind}.csv"
        write_rows(path, 0, behind)
        with server(folder / f"increment-{behind}") as database:
            _step(database, "both", path)
            rounds = []
            for number in range(2 * ROUNDS + 1):
                write_rows(path, behind + number * _NEW, _NEW, seed=number + 2)
                rounds.append(_step(database, "both", path))
            found[behind] = medians(rounds)
            peers = {few: found[_BEHIND[0]]} if behind != _BEHIND[0] else {}
            yield beside(f"{_NEW:,} new rows behind {behind:,}", _unit, found[behind], peers)
            if behind == _BEHIND[-1]:
                yield etl_queries.measure(database, path, behind)
        path.unlink()


CASES: dict[str, Callable[[Path], Iterator[list[Figure]]]] = {
    "first-load": first_load,
    "again": again,
    "increment": increment,
}


def _step(database: Server, step: str, path: Path) -> Measured:
    """One of `etl_steps` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.etl_steps", step, str(path)]
    environment = {**os.environ, "DATABASE_URL": database.url}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    measured: Measured = json.loads(result.stdout.splitlines()[-1])
    return measured


def _copy(database: Server, path: Path) -> Measured:
    database.connection.execute(
        "CREATE TABLE IF NOT EXISTS copied (timestamp timestamptz, city text,"
        " temperature_c float8, humidity float8, pressure float8, wind_speed float8, weather text,"
        " PRIMARY KEY (city, timestamp))"
    )
    return _psql(database, f"\\copy copied FROM '{path}' CSV HEADER")


def _stage(database: Server, path: Path) -> Measured:
    database.connection.execute("CREATE UNLOGGED TABLE staged (LIKE copied)")
    return _psql(
        database,
        f"\\copy staged FROM '{path}' CSV HEADER",
        "INSERT INTO copied SELECT * FROM staged ON CONFLICT DO NOTHING",
    )


def _psql(database: Server, *commands: str) -> Measured:
    words = [word for command in commands for word in ("-c", command)]
    began = time.perf_counter()
    subprocess.run([postgres.binary("psql"), database.url, "-q", *words], check=True)
    return {"seconds": time.perf_counter() - began}


def _unit(metric: str) -> str:
    return {"seconds": "s", "memory": "MiB"}[metric]


def main() -> None:
    """Measure the cases that were asked for, by default all."""
    asked = asked_cases(CASES)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    about: Row = {"machine": machine(), "versions": versions(())}
    for name in asked:
        load = round(os.getloadavg()[0], 1)
        with tempfile.TemporaryDirectory(prefix="citywx-bench-") as folder:
            Path(folder).chmod(0o755)
            figures: list[Figure] = []
            for some in CASES[name](Path(folder)):
                print(tables(one.row() for one in some), end="\n\n", flush=True)
                figures += some
        run: Row = {"quick": QUICK, "rounds": ROUNDS, "load_before": load}
        body = merge("etl", name, run, figures, about)
        rows = body["rows"] if isinstance(body["rows"], list) else []
        write_section("Batch layer", f"{tables(rows)}\n\n### How\n\n{_HOW}\n{_told(body)}")


def _told(body: Row) -> str:
    parts = body["parts"] if isinstance(body["parts"], dict) else {}
    lines = [
        f"- {name}: {part['date']}, {part['rounds']} rounds, load average {part['load_before']}"
        f" before{'; a quick run, short and noisier' if part['quick'] else ''}"
        for name, part in parts.items()
    ]
    facts = body["machine"] if isinstance(body["machine"], dict) else {}
    return "\n".join([*lines, "", "On: " + ", ".join(f"{k} {v}" for k, v in facts.items())])


if __name__ == "__main__":
    main()
