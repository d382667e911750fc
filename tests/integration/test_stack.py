"""The whole pipeline, started, fed and stopped as its users do it."""

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.stack import PROJECT, RunningStack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CANARIES = {
    "OPENWEATHER_API_KEY": "canary-weather-key-3f81",
    "SMTP_URL": "smtp://canary-user:canary-mail-9c02@127.0.0.1:9",
    "SECRET_KEY": "canary-signing-key-77d0",
    "POSTGRES_PASSWORD": "canary-database-%-1b5e",
    "MQTT_PASSWORD": "canary-broker-e4a6",
}
SECRETS = [*(value for name, value in CANARIES.items() if name != "SMTP_URL"), "canary-mail-9c02"]
HEADER = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"


def replay_file(folder: Path) -> Path:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [
        f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ},Oslo,{hour % 20},80,1010,3,clouds\n"
        for hour in range(72)
    ]
    file = folder / "march.csv"
    file.write_text(HEADER + "".join(rows), "utf-8")
    return file


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder = tmp_path_factory.mktemp("stack")
    replay = {"WEATHER_SOURCE": "replay", "REPLAY_FILE": str(replay_file(folder))}
    speed = {"REPLAY_SPEED": "2000", "BATCH_SECONDS": "1"}
    running = RunningStack(folder / "a home", replay | speed | CANARIES)
    up = running.command("up", "--detach")
    try:
        assert up.returncode == 0, up.stdout + up.stderr + last_lines(running)
        yield running
    finally:
        running.command("down")


def last_lines(running: RunningStack) -> str:
    logs = sorted(running.home.logs.glob("*.log"))
    return "".join(f"\n--- {log.name}\n{log.read_text('utf-8')[-1500:]}" for log in logs)


def rows(stack: RunningStack, query: str) -> list[Any]:
    with psycopg.connect(stack.url("database")) as connection:
        return connection.execute(query).fetchall()


def test_status_is_ready_and_names_every_service(stack: RunningStack) -> None:
    status = stack.status()
    assert status["ready"] is True
    assert status["kind"] == "replay"
    assert {service["state"] for service in status["services"].values()} == {"up"}
    assert set(status["services"]) >= {"database", "broker", "dagster", "dashboard", "poller"}
    shown = stack.command("status")
    assert shown.returncode == 0
    assert not [secret for secret in SECRETS if secret in shown.stdout]


def test_a_second_start_says_that_it_runs_already(stack: RunningStack) -> None:
    again = stack.command("up")
    assert again.returncode == 0
    assert "running already" in again.stdout


def test_a_running_home_is_not_deleted(stack: RunningStack) -> None:
    refused = stack.command("reset", "--yes")
    assert refused.returncode == 2
    assert "citywx down" in refused.stderr


def test_one_csv_line_becomes_an_alert_a_row_and_a_clean_reading(stack: RunningStack) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    line = f"{now:%Y-%m-%dT%H:%M:%SZ},Cairo,41.5,20,1008,4,clear sky,csv,\n"
    with stack.home.readings_csv.open("a", encoding="utf-8") as file:
        file.write(line)

    def alerted() -> list[str]:
        events = stack.home.alerts_log
        lines = events.read_text("utf-8").splitlines() if events.exists() else []
        return [line for line in lines if '"Cairo"' in line]

    assert json.loads(wait_for(alerted, "alert")[0])
    for table in ("alerts", "raw_readings", "weather_readings"):
        query = f"SELECT * FROM {table} WHERE city = 'Cairo'"  # noqa: S608 - our own names
        wait_for(lambda query=query: rows(stack, query), table, seconds=90)


def test_the_replayed_rows_are_there_once(stack: RunningStack) -> None:
    query = "SELECT count(*) FROM raw_readings WHERE city = 'Oslo'"
    wait_for(lambda: rows(stack, query) == [(72,)], "replayed rows", seconds=90)


def test_the_dashboard_says_that_it_is_well(stack: RunningStack) -> None:
    with urllib.request.urlopen(stack.url("dashboard") + "/healthz") as answer:  # noqa: S310
        assert json.load(answer)


def test_a_killed_process_comes_back(stack: RunningStack) -> None:
    run_file = stack.home.run / "alerter.json"
    killed = json.loads(run_file.read_text("utf-8"))["pid"]
    os.kill(killed, signal.SIGKILL)

    def restarted() -> bool:
        return bool(json.loads(run_file.read_text("utf-8"))["pid"] != killed)

    wait_for(restarted, "new alerter", seconds=30)


def test_no_secret_stands_in_any_log(stack: RunningStack) -> None:
    logs = [path for path in stack.home.logs.rglob("*") if path.is_file()]
    logs += [path for path in stack.home.dagster.rglob("*") if path.is_file()]
    assert {path.stem for path in logs} >= {"poller", "bridge", "recorder", "dashboard"}
    found = [
        (path.name, secret)
        for path in logs
        for secret in SECRETS
        if secret.encode() in path.read_bytes()
    ]
    assert found == []


def test_no_secret_stands_in_a_command_line_or_the_supervisors_configuration(
    stack: RunningStack,
) -> None:
    words = [word for process in stack.processes() for word in process.cmdline()]
    words.append((stack.home.run / "supervisord.conf").read_text("utf-8"))
    assert not [secret for secret in SECRETS if any(secret in word for word in words)]


def test_dagster_keeps_its_files_in_the_home(stack: RunningStack) -> None:
    assert (stack.home.dagster / "dagster.yaml").is_file()
    litter = {"storage", "history", "schedules", ".nux", ".telemetry", "logs", ".logs_queue"}
    assert not [name for name in litter if (PROJECT / name).exists()]


def test_down_leaves_no_process_behind(stack: RunningStack) -> None:
    before = stack.processes()
    assert len(before) > 10
    down = stack.command("down")
    assert down.returncode == 0
    assert [process for process in before if process.is_running()] == []
    assert stack.processes() == []
    assert stack.command("status").returncode == 1


def test_in_the_foreground_one_screen_tells_everything_and_ctrl_c_ends_everything(
    stack: RunningStack,
) -> None:
    up = stack.in_foreground()
    screen = []
    try:
        assert up.stdout is not None
        for line in up.stdout:
            screen.append(line)
            if "Stop:" in line:
                break
        everyone = stack.processes()
        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0, "".join(screen)
    finally:
        up.kill()
        up.communicate()
    text = "".join(screen)
    assert "citywx is ready" in text
    assert all(word in text for word in ("Dashboard", "Dagster", "PostgreSQL", "MQTT", "Mails to"))
    assert not [secret for secret in SECRETS if secret in text]
    assert len(everyone) > 10
    assert stack.processes() == []
