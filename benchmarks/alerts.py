"""`make bench-alerts [QUICK=1] [CASES=throughput,memory,latency]`.

What rules, patterns and the anomaly score cost beside one rule: readings a second on one core,
memory with ten thousand cities, and the time to a decision.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.alerts_steps import BUSY, ONE_RULE
from benchmarks.figures import Figure, beside, medians
from benchmarks.latency import DECISION, ours, summary, unit
from benchmarks.machine import machine, versions
from benchmarks.report import Row, asked_cases, merge, tables, write_section
from benchmarks.rig import ROOT, rig

QUICK = os.environ.get("QUICK") == "1"
ROUNDS = 1 if QUICK else 5
_READINGS = 20_000 if QUICK else 200_000
_CITIES = 500 if QUICK else 10_000
_RATE, _SECONDS = 200, 3 if QUICK else 10
_ONE = "one rule"
_HOW = """\
- *Busy*: the shipped rules with quality control, the twenty patterns of `busy_alerts.toml`, and
  anomaly models of fifty cities.
- Throughput: readings of fifty cities, one in ten minutes each, with weather that varies, judged in
  one process without reading or writing anything; by its processor time.
- Memory: what a process has resident after a day of them in so many cities, less that of one that
  has only imported the same.
- Latency is that of `bench-streaming`: CSV append → decision.
"""


def throughput(folder: Path) -> Iterator[list[Figure]]:
    """Readings a second, by turns."""
    found: dict[str, list[dict[str, float]]] = {BUSY: [], ONE_RULE: []}
    for number in range(ROUNDS):
        for rules in (BUSY, ONE_RULE)[:: 1 if number % 2 == 0 else -1]:
            rate = _step("throughput", rules, _READINGS, folder)
            found[rules].append({"rate": rate, "per_reading": 1e6 / rate})
    units = {"rate": "readings/s", "per_reading": "µs"}
    case = "readings through rules, patterns and score, one core"
    mine, theirs = medians(found[BUSY]), medians(found[ONE_RULE])
    yield beside(case, units.__getitem__, mine, {_ONE: theirs})


def memory(folder: Path) -> Iterator[list[Figure]]:
    """MiB of state."""
    busy, one = (_step("memory", rules, _CITIES, folder) for rules in (BUSY, ONE_RULE))
    yield [Figure(f"state of {_CITIES:,} cities", "memory", "MiB", busy, _ONE, one)]


def latency(folder: Path) -> Iterator[list[Figure]]:
    """The time to a decision with everything loaded, and with one rule, by turns."""
    found: dict[str, list[dict[str, float]]] = {BUSY: [], ONE_RULE: []}
    for number in range(ROUNDS):
        for rules in (BUSY, ONE_RULE)[:: 1 if number % 2 == 0 else -1]:
            _step("prepare", rules, 0, folder)
            with rig() as stage:
                stage.environment["ALERT_RULES"] = str(folder / "alerts.toml")
                values = ours(stage, _RATE, _SECONDS, rule="above-23")[DECISION]
            found[rules].append(summary(values, _RATE * _SECONDS))
    case = f"{DECISION}, {_RATE} rows/s, busy"
    mine, theirs = medians(found[BUSY]), medians(found[ONE_RULE])
    yield beside(case, unit, mine, {_ONE: theirs})


def _step(step: str, rules: str, size: int, folder: Path) -> float:
    """One of `alerts_steps` in a process of its own; the number that it prints."""
    command = [sys.executable, "-m", "benchmarks.alerts_steps", step, rules, str(size), str(folder)]
    told = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(told.split()[-1])


CASES: dict[str, Callable[[Path], Iterator[list[Figure]]]] = {
    "throughput": throughput,
    "memory": memory,
    "latency": latency,
}


def main() -> None:
    """Measure the cases that were asked for, by default all."""
    about: Row = {"machine": machine(), "versions": versions([])}
    for name in asked_cases(CASES):
        load = round(os.getloadavg()[0], 1)
        with tempfile.TemporaryDirectory(prefix="citywx-bench-alerts-") as folder:
            figures = [one for some in CASES[name](Path(folder)) for one in some]
        print(tables(one.row() for one in figures), end="\n\n", flush=True)
        run: Row = {"quick": QUICK, "rounds": ROUNDS, "load_before": load}
        body = merge("alerts", name, run, figures, about)
        rows = body["rows"] if isinstance(body["rows"], list) else []
        write_section("Alerts", f"{tables(rows)}\n\n### How\n\n{_HOW}")


if __name__ == "__main__":
    main()
