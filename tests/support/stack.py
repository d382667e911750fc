"""A whole pipeline in a folder of its own, started as its users start it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from citywx.home import Home
from citywx.local_stack.leftovers import MARK, find_leftovers
from citywx.local_stack.ports import any_free_port
from citywx.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
Found = TypeVar("Found")


def wait_for(look: Callable[[], Found], what: str, seconds: float = 20) -> Found:
    """The first true thing that `look` gives."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(0.1)
    return found


@dataclass
class RunningStack:
    """`citywx up`, and the commands beside it, with settings of their own."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ports = ("DASHBOARD_PORT", "DAGSTER_PORT", "POSTGRES_PORT", "MQTT_PORT")
        own = {"DATA_DIR": str(self.folder), "HOME_NAME": "test"}
        self.settings = own | {name: str(any_free_port()) for name in ports} | self.settings

    @property
    def environment(self) -> dict[str, str]:
        """What its commands see: nothing of this machine's own settings."""
        foreign = {name.upper() for name in Settings.model_fields} | {MARK, "PYTHONWARNINGS"}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        return kept | self.settings

    @property
    def home(self) -> Home:
        """Its data home."""
        path = self.folder / "test"
        return Home(path, path / "log" / "readings.csv")

    def command(self, *words: str, timeout: float = 180) -> "subprocess.CompletedProcess[str]":
        """Run a command of citywx to its end."""
        return subprocess.run(
            [sys.executable, "-c", "from citywx.cli import app; app()", *words],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def in_foreground(self) -> "subprocess.Popen[str]":
        """Start `citywx up` as on a terminal; its screen comes through stdout."""
        return subprocess.Popen(
            [sys.executable, "-c", "from citywx.cli import app; app()", "up"],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def status(self) -> dict[str, Any]:
        """What `citywx status --json` says."""
        answer: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return answer

    def url(self, service: str) -> str:
        """A service's address."""
        return str(self.status()["services"][service]["url"])

    def processes(self) -> list[psutil.Process]:
        """Every process of it that lives now."""
        return find_leftovers(self.home)
