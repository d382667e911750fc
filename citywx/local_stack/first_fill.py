"""The first start as its user sees it: how much of the last days' history is filled in.

The poller fills it in; its state file says how far it is.
"""

import json
import threading
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from citywx.call_budget import poller_state_file
from citywx.home import Home
from citywx.polled_cities import PolledCities

_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 15.0  # a service that does not answer is the poller's business, and goes on


def follow_first_fill(home: Home, stopping: threading.Event, console: Console) -> None:
    """Show a progress bar until every city has its history, or nothing moves any more.

    Where nobody looks (no terminal), one line says how it ended.
    """
    total, done = _count(home)
    moved = time.monotonic()
    columns = (TextColumn("filling in history"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("cities", total=total, completed=done)
        while (not total or done < total) and time.monotonic() - moved < _PATIENCE_SECONDS:
            if stopping.wait(_LOOK_SECONDS):
                return
            before = total, done
            total, done = _count(home)
            if (total, done) != before:
                moved = time.monotonic()
                progress.update(task, total=total, completed=done)
    if not console.is_terminal or done < total:
        rest = "" if done == total else "; the poller goes on with the rest"
        console.print(f"history of {done} of {total} cities is filled in{rest}", highlight=False)


def _count(home: Home) -> tuple[int, int]:
    """How many cities are polled, and how many of them have their history."""
    polled = set(PolledCities.load(home).names)
    try:
        filled = json.loads(poller_state_file(home).read_bytes())["filled"]
    except FileNotFoundError:
        filled = []
    return len(polled), len(polled.intersection(filled))
