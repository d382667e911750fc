"""Cases that are pytest files: run as a process of their own, reported as a row."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping

from tests.faults.cases import Figures, upper_bound
from tests.faults.rig import ROOT

_TAIL_CHARACTERS = 6_000


def run_pytest(
    *words: str, trials: int, environment: Mapping[str, str] = os.environ, limit: int = 3600
) -> Figures:
    """Run pytest with those words; what failed is a problem with the end of its output."""
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-q", f"--timeout={limit}", *words]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    passed = done.returncode == 0
    return {
        "trials": trials,
        "lost": 0 if passed else None,
        "double": 0 if passed else None,
        "corrupt": 0 if passed else None,
        "seconds": round(time.monotonic() - began),
        "failure_rate_below": upper_bound(trials) if passed else None,
        "problems": [] if passed else [done.stdout[-_TAIL_CHARACTERS:]],
    }
