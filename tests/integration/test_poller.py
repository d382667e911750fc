import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.weather_services import Answer, WeatherServer, wait_until

pytestmark = pytest.mark.integration

CANARY = "canary0123456789abcdef"
ROWS = 3_000


class Poller:
    """The poller as its own process, in a folder of its own."""

    def __init__(self, folder: Path, **values: str) -> None:
        self._log = (folder / "poller.log").open("ab")
        own = {"DATA_DIR": str(folder / "data"), "PATH": os.environ["PATH"], **values}
        own["PYTHONPATH"] = str(Path(__file__).parents[2])
        command = [sys.executable, "-m", "streaming.poller"]
        self._process = subprocess.Popen(command, cwd=folder, env=own, stderr=self._log)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self._process.send_signal(number)
        try:
            return self._process.wait(timeout=10)
        finally:
            self._process.kill()
            self._process.wait()
            self._log.close()


def lines(folder: Path, home: str) -> list[str]:
    path = folder / "data" / home / "log" / "readings.csv"
    return path.read_text("utf-8").splitlines()[1:] if path.exists() else []


def test_a_killed_replay_loses_no_row(tmp_path: Path) -> None:
    rows = [
        f"2013-01-{1 + i // 1440:02d}T{i // 60 % 24:02d}:{i % 60:02d}:00Z,Oslo,{i},,,,"
        for i in range(ROWS)
    ]
    header = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather"
    (tmp_path / "rows.csv").write_text("\n".join([header, *rows]) + "\n")
    values = {"WEATHER_SOURCE": "replay", "REPLAY_FILE": "rows.csv", "REPLAY_SPEED": "1000"}
    saved = tmp_path / "data" / "replay" / "state" / "replay.json"
    poller = Poller(tmp_path, **values)
    try:
        wait_until(saved.exists)
    finally:
        assert poller.end(signal.SIGKILL) == -signal.SIGKILL
    written = len(lines(tmp_path, "replay"))
    assert written < ROWS
    again = Poller(tmp_path, **values)
    try:
        wait_until(lambda: "is finished" in (tmp_path / "poller.log").read_text())
    finally:
        assert again.end() == 0
    kept = [line.split(",")[2] for line in lines(tmp_path, "replay")]
    assert {int(value) for value in kept} == set(range(ROWS))
    assert len(kept) < ROWS + written  # it went on, and did not begin anew


def test_a_service_is_polled_into_the_log_and_its_key_is_never_told(
    tmp_path: Path, weather_server: WeatherServer
) -> None:
    def answer(path: str, query: dict[str, str]) -> Answer:
        if path == "/v1/forecast":
            hour = int(time.time()) // 3600 * 3600
            hourly = {"time": [hour - 7200, hour - 3600], "temperature_2m": [1.0, 2.0]}
            return Answer.of({"hourly": hourly})
        if query["lat"] == "1.0":
            return Answer.of({"cod": "404", "message": f"no {query['appid']} here"}, 404)
        return Answer.of({"dt": int(time.time()), "main": {"temp": 3.5}, "cod": 200})

    weather_server.answer = answer
    poller = Poller(
        tmp_path,
        WEATHER_SOURCE="openweathermap",
        OPENWEATHER_API_KEY=CANARY,
        OPENWEATHER_URL=weather_server.url,
        OPEN_METEO_URL=weather_server.url,
        CITIES="Bad@1,1; Roof@30.04,31.24",
        LOG_LEVEL="DEBUG",
    )
    try:
        wait_until(lambda: len(lines(tmp_path, "real")) >= 5)
    finally:
        assert poller.end() == 0
    sources = [line.split(",")[7] for line in lines(tmp_path, "real")]
    assert sorted(sources) == ["open-meteo"] * 4 + ["openweathermap"]
    told = (tmp_path / "poller.log").read_text()
    assert "unknown place" in told
    assert CANARY not in told
    state = (tmp_path / "data" / "real" / "state" / "poller.json").read_text()
    assert CANARY not in state


def test_a_stop_is_obeyed_while_a_service_keeps_silent(
    tmp_path: Path, weather_server: WeatherServer
) -> None:
    weather_server.answer = lambda _path, _query: Answer(b" " * 100, drip_seconds=5)
    poller = Poller(
        tmp_path,
        WEATHER_SOURCE="open-meteo",
        OPEN_METEO_URL=weather_server.url,
        CITIES="Roof@30.04,31.24",
    )
    try:
        wait_until(lambda: bool(weather_server.requests))
    finally:
        began = time.monotonic()
        assert poller.end() == 0
    assert time.monotonic() - began < 5


def test_a_mistake_in_the_settings_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    poller = Poller(tmp_path, WEATHER_SOURCE="openweathermap")
    wait_until(lambda: "OPENWEATHER_API_KEY" in (tmp_path / "poller.log").read_text())
    assert poller._process.wait(timeout=10) == 2
    assert "Traceback" not in (tmp_path / "poller.log").read_text()
    poller._log.close()


def test_a_second_poller_of_a_home_says_so_in_one_line_and_exits_with_2(tmp_path: Path) -> None:
    first = Poller(tmp_path, WEATHER_SOURCE="simulate", CITIES="Roof@30.04,31.24; Nowhereville")
    try:
        wait_until(lambda: len(lines(tmp_path, "simulated")) >= 2)
        second = Poller(tmp_path, WEATHER_SOURCE="simulate")
        assert second._process.wait(timeout=20) == 2
        second._log.close()
        told = (tmp_path / "poller.log").read_text()
        assert "already has a writer" in told
        assert "Traceback" not in told
    finally:
        assert first.end() == 0
    polled = json.loads((tmp_path / "data/simulated/state/polled_cities.json").read_text())
    assert polled == {"names": ["Roof"], "unresolved": ["Nowhereville"]}
