"""Runs fault cases by name, all of them without one, and keeps their results.

A case that has a result for this code is not run again unless FRESH=1 is set; QUICK=1 makes each
short. Exit code 1 when a case has found a problem.
"""

import importlib
import json
import logging
import os
import signal
import sys
import time

from tests.faults import results
from tests.faults.cases import Figures, Options

CASES = (
    "kills",
    "broker-down",
    "stopped",
    "database-down",
    "loader",
    "disk-full",
    "log-model",
    "fuzz",
    "stack",
    "backfill",
    "notices",
    "alerts",
    "soak",
)
_log = logging.getLogger("tests.faults")


def main(names: list[str]) -> int:
    """Run the cases; the exit code."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    _log.setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleaned up
    unknown = set(names) - set(CASES)
    if unknown:
        _log.error("no such case: %s; there are %s", *sorted(unknown), ", ".join(CASES))
        return 2
    quick, fresh = (os.environ.get(name) == "1" for name in ("QUICK", "FRESH"))
    version = results.code_version()
    problems = 0
    for name in names or CASES:
        rows = [] if fresh else results.rows_of(name, version, quick=quick)
        if rows:
            _log.info("%s: has a result for this code", name)
        else:
            rows = run_case(name, Options(quick=quick))
            results.save(name, version, rows, quick=quick)
        for row in rows:
            problems += tell(name, row)
    return int(problems > 0)


def run_case(name: str, options: Options) -> list[Figures]:
    """Run one case; an error in it is a problem of its own, and the others go on."""
    _log.info("%s: begins, seed %d", name, options.seed)
    case = importlib.import_module(f"tests.faults.case_{name.replace('-', '_')}")
    began = time.monotonic()
    try:
        rows: list[Figures] = case.run(options)
    except Exception as error:  # noqa: BLE001 - logged, and it is the case's result
        _log.exception("%s", name)
        seconds = round(time.monotonic() - began)
        rows = [{"trials": 0, "seconds": seconds, "problems": [f"the case broke off: {error!r}"]}]
    return [{"seed": options.seed, **row} for row in rows]


def tell(name: str, row: Figures) -> int:
    """Log a row; how many problems it has."""
    shown = {key: value for key, value in row.items() if key not in ("problems", "machine")}
    _log.info("%s: %s", name, json.dumps(shown))
    found = row.get("problems")
    problems = found if isinstance(found, list) else []
    for problem in problems:
        _log.error("%s: PROBLEM: %s", name, problem)
    return len(problems)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
