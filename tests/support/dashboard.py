"""A dashboard over a test's database: inside this process for AppTest, and as a real server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import streamlit as st
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.support.ports import free_port
from tests.support.weather_rows import Filled, fill

ROOT = Path(__file__).parents[2]
SECRET_KEY = "a-key-that-only-tests-know-of-0123456789"

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def filled(engine: Engine) -> Filled:
    """The test's database with plausible weather in it."""
    return fill(engine, days=8)


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[OpenPage]:
    """Run one page through the app's frame; DATABASE_URL is the test's business."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SECRET_KEY", SECRET_KEY)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def run(name: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "dashboard" / "main.py"), default_timeout=30).run()
        return app if name == "now" else app.switch_page(f"app_pages/{name}.py").run()

    st.cache_resource.clear()
    yield run
    st.cache_resource.clear()


@dataclass(frozen=True, slots=True)
class RunningDashboard:
    """A real dashboard process."""

    url: str
    data_dir: Path


@pytest.fixture
def start_dashboard(tmp_path: Path) -> Iterator[Callable[..., RunningDashboard]]:
    """Start a dashboard with the given environment; ended after the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**environment: str) -> RunningDashboard:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        given = {
            "DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET_KEY, "PUBLIC_URL": url,
        } | environment  # fmt: skip
        with (tmp_path / "dashboard.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "streamlit", "run", "dashboard/app.py",
                     "--server.port", str(port)],
                    cwd=ROOT, env=os.environ | given, stdout=log, stderr=subprocess.STDOUT,
                )
            )  # fmt: skip
        _wait_until_it_answers(url)
        return RunningDashboard(url, tmp_path)

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


@retry(
    retry=retry_if_exception_type((requests.ConnectionError, requests.Timeout)),
    stop=stop_after_delay(90),
    wait=wait_fixed(0.1),
    reraise=True,
)
def _wait_until_it_answers(url: str) -> None:
    requests.get(f"{url}/_stcore/health", timeout=5).raise_for_status()
