"""Ends what a stack left behind when its supervisor died without stopping it.

Every process of a stack carries the home's path in its environment, and so do its children,
whatever session they moved to. PostgreSQL overwrites its environment with its title: it is found
by its own pid file, and its start time must be the one noted there.
"""

import os
import signal
from pathlib import Path

import psutil

from citywx.home import Home

MARK = "CITYWX_STACK"
"""Environment variable that names the home a process belongs to."""

_GRACE_SECONDS = 5.0
_KILL_SECONDS = 5.0
_START_TOLERANCE = 5.0  # seconds between PostgreSQL's start and its own note of it
_PID_LINE, _START_LINE = 0, 2  # of postmaster.pid


def find_leftovers(home: Home) -> list[psutil.Process]:
    """All processes of this home's stack but the caller itself."""
    found = [process for process in psutil.process_iter() if _belongs(process, home)]
    server = _postgres(home.postgres)
    return [*found, server] if server is not None and server not in found else found


def end_leftovers(home: Home) -> int:
    """End them, politely at first; how many there were."""
    processes = find_leftovers(home)
    for process in processes:
        _stop(process)
    _, stubborn = psutil.wait_procs(processes, timeout=_GRACE_SECONDS)
    for process in {*stubborn, *find_leftovers(home)}:
        _kill(process)
    psutil.wait_procs(stubborn, timeout=_KILL_SECONDS)
    return len(processes)


def _belongs(process: psutil.Process, home: Home) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.environ().get(MARK) == str(home.path)
    except (psutil.Error, OSError):
        return False  # gone, or somebody else's


def _postgres(data: Path) -> psutil.Process | None:
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
        process = psutil.Process(int(lines[_PID_LINE]))
        same = abs(process.create_time() - int(lines[_START_LINE])) < _START_TOLERANCE
        return process if same and process.name().startswith("postgres") else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _stop(process: psutil.Process) -> None:
    try:
        if process.name().startswith("postgres"):
            process.send_signal(signal.SIGINT)  # fast; SIGTERM would wait for its clients
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
