"""Real brokers with the configuration that `citywx up` gives them, on free ports."""

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from citywx.local_stack.broker import USER, find_mosquitto, prepare_amqtt, prepare_mosquitto
from tests.support.ports import free_port

PASSWORD = "broker-test-password"
_DEADLINE_SECONDS = 10


@dataclass
class BrokerServer:
    """A broker that a test may stop and start again."""

    command: list[str]
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """MQTT_URL of the user that may publish."""
        return f"mqtt://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it accepts connections."""
        with (self.folder / "broker.log").open("ab") as output:
            self.process = subprocess.Popen(self.command, stderr=output)
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.kill()
        pytest.fail(f"no broker answers: {(self.folder / 'broker.log').read_text('utf-8')}")

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(_DEADLINE_SECONDS)
            self.process = None

    def kill(self) -> None:
        """End it without a warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[BrokerServer]:
    program = find_mosquitto()
    if program is None:
        pytest.skip("Mosquitto is not installed")
    folder, port = _folder(tmp_path), free_port()
    server = BrokerServer(prepare_mosquitto(program, folder, port, PASSWORD), port, folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def amqtt(tmp_path: Path) -> Iterator[BrokerServer]:
    """The broker for machines without Mosquitto; it speaks MQTT 3.1.1."""
    folder, port = _folder(tmp_path), free_port()
    server = BrokerServer(prepare_amqtt(folder, port, PASSWORD), port, folder)
    server.start()
    yield server
    server.stop()


def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "broker"
    folder.mkdir()
    return folder
