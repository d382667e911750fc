"""Every process killed while data flows: it comes back, and nothing is missing or double.

Run by `make faults`, not by `make test`: it takes minutes.
"""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from citywx.local_stack.stack_file import running_stack
from citywx.local_stack.status import PROGRAM_OF
from citywx.local_stack.supervision import Control
from tests.support.stack import RunningStack, wait_for

pytestmark = pytest.mark.timeout(900)

CITIES = ("Cairo", "Oslo", "Quito", "Tokyo")
HOURS = 1_000
ROWS = HOURS * len(CITIES)
ROWS_A_SECOND = 60
HEADER = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"
VICTIMS = (
    *("poller", "bridge", "alerter", "recorder", "notifier", "broker", "database"),
    *("dagster-code", "dagster-webserver", "dagster-daemon", "dashboard", "guard"),
)


def temperature(hour: int) -> int:
    """Crosses 23 °C upwards once a day."""
    return 28 if hour % 24 in range(10, 18) else 15


def write_replay(file: Path) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with file.open("w", encoding="utf-8") as out:
        out.write(HEADER)
        for hour in range(HOURS):
            moment = f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}"
            out.writelines(f"{moment},{city},{temperature(hour)},60,1010,3,\n" for city in CITIES)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[RunningStack]:
    file = tmp_path / "spring.csv"
    write_replay(file)
    replay = {"WEATHER_SOURCE": "replay", "REPLAY_FILE": str(file), "BATCH_SECONDS": "5"}
    running = RunningStack(tmp_path / "homes", replay | {"REPLAY_SPEED": str(ROWS_A_SECOND)})
    up = running.command("up", "--detach", timeout=240)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield running
    finally:
        running.command("down")


def kill(stack: RunningStack, name: str) -> None:
    noted = running_stack(stack.home)
    assert noted is not None
    control = Control(Path(noted.control))
    pid = wait_for(lambda: control.states()[name].pid, f"running {name}", 60)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: control.states()[name].pid not in (0, pid), f"second {name}", 60)
    service = next((key for key, program in PROGRAM_OF.items() if program == name), name)
    if service in stack.status()["services"]:
        wait_for(lambda: stack.status()["services"][service]["state"] == "up", service, 120)


def rows(stack: RunningStack, query: str) -> list[Any]:
    with psycopg.connect(stack.url("database")) as connection:
        return connection.execute(query).fetchall()


def test_each_process_comes_back_and_at_the_end_nothing_is_missing_or_double(
    stack: RunningStack,
) -> None:
    for name in VICTIMS:
        kill(stack, name)
    assert {PROGRAM_OF.get(name, name) for name in stack.status()["services"]} <= set(VICTIMS)
    wait_for(lambda: stack.status()["ready"], "readiness", 180)

    everything = "SELECT count(*), count(DISTINCT (city, timestamp)) FROM raw_readings"
    wait_for(lambda: rows(stack, everything) == [(ROWS, ROWS)], "all raw readings", 300)
    # What the poller wrote just before it was killed may stand in the log twice, never in a table.
    lines = stack.home.readings_csv.read_text("utf-8").splitlines()
    assert len({tuple(line.split(",")[:2]) for line in lines[1:]}) == ROWS

    fired = "SELECT count(*) FROM alert_events WHERE event = 'fired' AND limit_value = 23"
    crossings = len(CITIES) * sum(
        temperature(hour - 1) <= 23 < temperature(hour) for hour in range(1, HOURS)
    )
    wait_for(lambda: rows(stack, fired) == [(crossings,)], f"{crossings} alerts", 60)
    events = [json.loads(line) for line in stack.home.alerts_log.read_text("utf-8").splitlines()]
    ids = Counter((event.get("alert_id"), event.get("event")) for event in events)
    assert max(ids.values()) == 1


def test_nothing_is_left_fifteen_seconds_after_the_supervisor_was_killed(
    stack: RunningStack,
) -> None:
    noted = running_stack(stack.home)
    assert noted is not None
    everyone = stack.processes()
    os.kill(noted.pid, signal.SIGKILL)
    wait_for(lambda: not any(process.is_running() for process in everyone), "end of all", 15)
    assert stack.processes() == []
    again = stack.command("up", "--detach", timeout=240)
    assert again.returncode == 0, again.stdout
