"""Streaming processes for tests, and a client that listens to what they publish."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from streaming.broker import Broker, Message
from streaming.mqtt import Connection
from tests.support.mosquitto import BrokerServer

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 30.0


def eventually(holds: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Poll until it holds; fail the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Listener:
    """An anonymous client that keeps what it hears."""

    def __init__(self, port: int, *topics: str, protocol: int = 5) -> None:
        self.heard: list[Message] = []
        self._connection = Connection(
            Broker("127.0.0.1", port, protocol=protocol),
            f"listener-{os.urandom(4).hex()}",
            subscriptions=topics,
        )
        eventually(self._connected, "the listener subscribes")

    def _connected(self) -> bool:
        self._connection.wait(0.01)
        return self._connection.ready

    def listen(self, seconds: float = 0.05) -> list[Message]:
        """Everything heard so far; waits until nothing more comes."""
        self._connection.wait(seconds)
        while more := self._connection.messages():
            self.heard += more
            self._connection.wait(seconds)
        return self.heard

    def bodies(self, topic: str) -> list[dict[str, object]]:
        """The JSON heard on a topic."""
        return [json.loads(m.payload) for m in self.listen() if m.topic == topic]

    def close(self) -> None:
        self._connection.close()


@dataclass
class Stream:
    """A data home, and the processes that work on it."""

    broker: BrokerServer
    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.data_dir / "test"

    @property
    def log(self) -> Path:
        return self.home / "log" / "readings.csv"

    def start(self, *names: str) -> None:
        for name in names:
            environment = {
                **os.environ,
                "DATA_DIR": str(self.data_dir),
                "HOME_NAME": "test",
                "MQTT_URL": self.broker.url,
                "ALERT_RULES": str(ROOT / "tests/support/above_23.toml"),
                **self.environment,
            }
            output = (self.data_dir / f"{name}.log").open("ab")
            with output:
                self.running[name] = subprocess.Popen(
                    [sys.executable, "-m", f"streaming.{name}"],
                    cwd=ROOT,
                    env=environment,
                    stderr=output,
                )

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(10)

    def listen(self, *topics: str) -> Listener:
        listener = Listener(self.broker.port, *topics)
        self.listeners.append(listener)
        return listener

    def events(self) -> list[dict[str, object]]:
        """What stands in the alerter's log."""
        path = self.home / "alerts.ndjson"
        return (
            [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        )

    def position(self, name: str) -> int:
        """The offset that a process has saved; 0 before the first."""
        path = self.home / "state" / "positions" / f"{name}.json"
        return int(json.loads(path.read_bytes())["offset"]) if path.exists() else 0

    def output(self, name: str) -> str:
        """What the process wrote to stderr."""
        return (self.data_dir / f"{name}.log").read_text()


@pytest.fixture
def stream(mosquitto: BrokerServer, tmp_path: Path) -> Iterator[Stream]:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    made = Stream(mosquitto, data_dir)
    yield made
    for listener in made.listeners:
        listener.close()
    for name in list(made.running):
        made.kill(name)
