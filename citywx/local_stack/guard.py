"""Runs beside the stack and ends all of it when the supervisor is gone: `python -m …guard`.

A supervisor that is killed cannot stop its children, and Dagster's runs are children of children.
In the foreground the guard also watches `citywx up` itself, so that closing the terminal or
killing `make` leaves nothing running.
"""

import os
import signal
import sys
import time
from pathlib import Path

import psutil

from citywx.home import Home
from citywx.local_stack.leftovers import end_leftovers

_LOOK_SECONDS = 0.5
_INIT = 1  # who adopts orphans


def main(home_path: str, watched_pid: str = "") -> int:
    """Watch until the supervisor (our parent) or the watched process is gone."""
    supervisor = os.getppid()
    watched = _process(watched_pid)
    if watched_pid and watched is None:
        os.kill(supervisor, signal.SIGTERM)
    while os.getppid() == supervisor != _INIT:
        if watched is not None and not watched.is_running():
            os.kill(supervisor, signal.SIGTERM)
            watched = None
        time.sleep(_LOOK_SECONDS)
    path = Path(home_path)
    end_leftovers(Home(path, path / "log" / "readings.csv"))
    return 0


def _process(pid: str) -> psutil.Process | None:
    try:
        return psutil.Process(int(pid)) if pid else None
    except psutil.NoSuchProcess:
        return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
