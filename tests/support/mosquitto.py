"""A real Mosquitto with the configuration that `citywx up` gives it, on a free port."""

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from citywx.local_stack.broker import USER, find_mosquitto, prepare_mosquitto

PASSWORD = "broker-test-password"
_DEADLINE_SECONDS = 10


@dataclass
class MosquittoServer:
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
        self.process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        pytest.fail("Mosquitto does not accept connections")

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(_DEADLINE_SECONDS)
            self.process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[MosquittoServer]:
    program = find_mosquitto()
    if program is None:
        pytest.skip("Mosquitto is not installed")
    folder = tmp_path / "broker"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = MosquittoServer(prepare_mosquitto(program, folder, port, PASSWORD), port, folder)
    server.start()
    yield server
    server.stop()
