"""The disk is full in turn under the positions, the log, the alerts and the database.

Each lies on a small file system of its own, in memory. Once there is room again everything is in
step within 30 s; each process is killed just then, so that a position that was saved without its
data would show as a loss.
"""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.faults.cases import Figures, Options
from tests.faults.positions import CONSUMERS
from tests.faults.rig import Plan, Rig, running
from tests.faults.supervisor import RESTART_SECONDS

SECONDS = 20
QUICK_SECONDS = 5
MEGABYTES = {"": 256, "state": 8, "log": 64, "postgres": 640}
"""Size of the file system under each folder of the home; the home itself holds `alerts.ndjson`."""
_PLACES = {"state": "positions", "log": "log", "": "alerts.ndjson", "postgres": "PostgreSQL"}
_POSTGRES = ("max_wal_size=96MB", "min_wal_size=32MB")
_RECOVERED_SECONDS = 30.0
_TOP_UP_SECONDS = 0.1
_CHUNK = 64 * 1024
_MOST_EXITS = 2
"""A process may end once or twice for want of room; more in so short a time is a loop."""


def run(options: Options) -> list[Figures]:
    """Fill each place, let everything run on, free it, kill, and see how soon all is in step."""
    full = options.number("FULL_SECONDS", SECONDS, QUICK_SECONDS)
    began = time.monotonic()
    plan = replace(
        Plan.of(options),
        kind="appender",
        postgres_options=_POSTGRES,
        place=small_file_systems,
    )
    with running(plan) as rig:
        places = {
            name: _fill(rig, rig.home.path / folder, full) for folder, name in _PLACES.items()
        }
        rig.supervisor.exits.clear()  # judged above, for each place
        verdict = rig.finish()
        for name, about in places.items():
            _expect(rig, name, about)
        return [
            rig.figures(verdict, began)
            | {
                "trials": len(places),
                "full_seconds": full,
                "places": places,
            }
        ]


@contextmanager
def small_file_systems(home: Path) -> Iterator[None]:
    """Mount one under each place. Raises PermissionError where that is refused."""
    mounted: list[Path] = []
    try:
        for folder, size in MEGABYTES.items():
            path = home / folder
            path.mkdir(exist_ok=True)
            words = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "citywx-faults", str(path)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if done.returncode:
                message = f"this case needs to mount small file systems: {done.stderr.strip()}"
                raise PermissionError(message)
            mounted.append(path)
        yield
    finally:
        for path in reversed(mounted):
            subprocess.run(["umount", "--lazy", str(path)], check=True)


@contextmanager
def no_room(folder: Path) -> Iterator[None]:
    """Fill the folder's file system, and keep it full until the end."""
    filler, done = folder / "filler", threading.Event()
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def fill() -> None:
        while True:
            for size in (_CHUNK, 1):
                try:
                    while os.write(descriptor, b"\0" * size):
                        pass
                except OSError:
                    continue  # that is the point
            if done.wait(_TOP_UP_SECONDS):
                return

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        os.close(descriptor)
        filler.unlink()


def _fill(rig: Rig, folder: Path, seconds: float) -> dict[str, object]:
    exits = len(rig.supervisor.exits)
    with no_room(folder):
        rig.go_on(seconds)
    ended = rig.supervisor.exits[exits:]
    freed = time.monotonic()
    victims = ["postgres"] if folder.name == "postgres" else [*CONSUMERS]
    for name in victims:
        rig.supervisor.kill(name)
    rig.go_on(2 * RESTART_SECONDS)
    rig.until_in_step()
    return {
        "seconds_until_in_step": round(time.monotonic() - freed, 2),
        "exits": {name: sum(end.name == name for end in ended) for name in rig.supervisor.services},
        "tails": {end.name: end.tail[-1000:] for end in ended},
    }


def _expect(rig: Rig, name: str, about: dict[str, object]) -> None:
    seconds, exits = about["seconds_until_in_step"], about["exits"]
    rig.expect(
        isinstance(seconds, float) and seconds <= _RECOVERED_SECONDS,
        f"{name}: in step only {seconds} s after there was room",
    )
    loops = {
        one: count
        for one, count in (exits.items() if isinstance(exits, dict) else ())
        if count > _MOST_EXITS and one != "postgres"
    }
    rig.expect(not loops, f"{name}: a crash loop without room: {loops}: {about['tails']}")
