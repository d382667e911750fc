"""A broker, a data home and streaming processes for the benchmarks of the speed layer."""

import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from citywx.local_stack.broker import USER, find_mosquitto, prepare_mosquitto
from streaming.broker import Broker, Message
from streaming.mqtt import Connection

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
QUICK = os.environ.get("QUICK") == "1"
_PASSWORD = "benchmark"  # noqa: S105 - of a broker that lives for a minute on loopback


class Arrivals:
    """What a client that only listens has received, and when."""

    def __init__(self, port: int, topic: str) -> None:
        self.found: list[tuple[int, Message]] = []
        """Moments of arrival (ns since 1970) and messages."""
        self._topic = topic
        self._connection = Connection(
            Broker("127.0.0.1", port),
            f"bench-{time.monotonic_ns()}",
            subscriptions=(topic,),
            receive_maximum=60_000,
        )
        while not self._connection.ready:
            self._connection.wait(0.1)

    def wait(self, seconds: float) -> None:
        """Listen until something comes, at most so long."""
        self._connection.wait(seconds)
        moment = time.time_ns()
        self.found += [(moment, message) for message in self._connection.messages()]

    def until(self, count: int, seconds: float = 60) -> None:
        """Listen until so many messages have come; SystemExit when they do not."""
        quiet_since, before = time.monotonic(), len(self.found)
        while len(self.found) < count:
            self.wait(0.2)
            if len(self.found) != before:
                quiet_since, before = time.monotonic(), len(self.found)
            elif time.monotonic() - quiet_since > seconds:
                message = f"{len(self.found)} of {count} messages on {self._topic}"
                raise SystemExit(message)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@dataclass
class Rig:
    """A running broker on a free port, and a home in a temporary folder."""

    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    listeners: list["Arrivals"] = field(default_factory=list)
    rows: int = 0
    """Rows written so far."""

    @property
    def log(self) -> Path:
        """The staging log."""
        return self.folder / "bench" / "log" / "readings.csv"

    def start(self, *names: str) -> None:
        """Start streaming processes on the rig's home."""
        environment = {
            **os.environ,
            "DATA_DIR": str(self.folder),
            "HOME_NAME": "bench",
            "MQTT_URL": f"mqtt://{USER}:{_PASSWORD}@127.0.0.1:{self.port}",
            "ALERT_RULES": str(ROOT / "alerts.toml"),
            "LOG_LEVEL": "WARNING",
        }
        for name in names:
            command = [sys.executable, "-m", f"streaming.{name}"]
            self.processes.append(subprocess.Popen(command, cwd=ROOT, env=environment))

    def start_tail_pipe(self, topic: str) -> None:
        """`tail -F readings.csv | mosquitto_pub -l`: what a user would pipe together."""
        tail = subprocess.Popen(
            ["tail", "-n", "+1", "-F", str(self.log)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        address = ("-V", "5", "-p", str(self.port), "-u", USER, "-P", _PASSWORD)
        publisher = subprocess.Popen(
            ["mosquitto_pub", *address, "-t", topic, "-l", "-q", "1"], stdin=tail.stdout
        )
        self.processes += [tail, publisher]

    def listen(self, topic: str) -> "Arrivals":
        """An independent client that has subscribed to a topic."""
        arrivals = Arrivals(self.port, topic)
        self.listeners.append(arrivals)
        return arrivals

    def end(self) -> None:
        """End the processes that were started here."""
        for process in self.processes:
            process.kill()
            process.wait()
        for listener in self.listeners:
            listener.close()


@contextmanager
def rig() -> Iterator[Rig]:
    """A rig with its broker running; everything ends and goes with it."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        message = "these benchmarks need Mosquitto (Debian: apt-get install mosquitto)"
        raise SystemExit(message)
    with tempfile.TemporaryDirectory(prefix="citywx-bench-") as name:
        folder = Path(name)
        (folder / "broker").mkdir()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port: int = probe.getsockname()[1]
        command = prepare_mosquitto(mosquitto, folder / "broker", port, _PASSWORD)
        broker = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        made = Rig(folder, port)
        made.log.parent.mkdir(parents=True)
        try:
            _wait_for(port)
            yield made
        finally:
            made.end()
            broker.terminate()
            broker.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def row(  # noqa: PLR0913, PLR0917 - the columns of the results file
    case: str, metric: str, unit: str, ours: float, peer: str, peer_value: float | None
) -> dict[str, object]:
    """One figure, beside its peer's."""
    ratio = round(ours / peer_value, 3) if peer_value else None
    return {
        "case": case,
        "metric": metric,
        "unit": unit,
        "ours": round(ours, 3),
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 3),
        "ratio": ratio,
    }


def report(name: str, rows: list[dict[str, object]]) -> None:
    """Print the figures and write `benchmarks/results/NAME.json`."""
    for figure in rows:
        beside = (
            f"   {figure['peer']}: {figure['peer_value']}  (× {figure['ratio']})"
            if figure["peer_value"] is not None
            else ""
        )
        label = f"{figure['case']:40} {figure['metric']:6}"
        print(f"{label} {figure['ours']:>12} {figure['unit']}{beside}")
    RESULTS.mkdir(exist_ok=True)
    body = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": QUICK,
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
        "versions": {
            "python": platform.python_version(),
            "paho-mqtt": version("paho-mqtt"),
            "watchdog": version("watchdog"),
        },
        "rows": rows,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(body, indent=2) + "\n", "utf-8")
