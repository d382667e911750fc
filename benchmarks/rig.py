"""A broker, a log and processes for one measurement, and what each of them used.

Everything is new each time and lies in a temporary folder; it ends with the measurement.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from citywx.local_stack.broker import USER, find_mosquitto, prepare_mosquitto
from citywx.weather.reading import COLUMNS

ROOT = Path(__file__).parents[1]
PASSWORD = "benchmark"  # noqa: S105 - of servers that live for a minute on loopback
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What the processes of one role have used since they were started."""

    cpu_seconds: float
    peak_mib: float


@dataclass
class Rig:
    """A running broker on a free port, and a data home in a temporary folder."""

    folder: Path
    port: int
    log: Path
    """The staging log; a measurement may bring one of its own."""
    environment: dict[str, str] = field(default_factory=dict)
    roles: dict[str, list[subprocess.Popen[bytes]]] = field(default_factory=dict)
    rows: int = 0
    """Rows that `benchmarks.writer` has appended."""

    @property
    def home(self) -> Path:
        """The data home."""
        return self.folder / "bench"

    @property
    def url(self) -> str:
        """The broker's address for those who may publish."""
        return f"mqtt://{USER}:{PASSWORD}@127.0.0.1:{self.port}"

    @property
    def login(self) -> list[str]:
        """The broker's address for mosquitto_pub and mosquitto_sub."""
        return ["-h", "127.0.0.1", "-p", str(self.port), "-u", USER, "-P", PASSWORD]

    def run(
        self,
        role: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a process in a role; what it complains of goes to a file of the role's name."""
        with (self.folder / f"{role}.err").open("ab") as complaints:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=stdin,
                stdout=complaints.fileno() if stdout is None else stdout,
                stderr=complaints,
            )
        self.roles.setdefault(role, []).append(process)
        return process

    def start(self, *names: str) -> None:
        """Start streaming processes of ours; each is the role of its name."""
        environment = {
            **os.environ,
            "DATA_DIR": str(self.folder),
            "HOME_NAME": "bench",
            "READINGS_CSV": str(self.log),
            "MQTT_URL": self.url,
            "ALERT_RULES": str(ROOT / "benchmarks" / "one_rule.toml"),
            "LOG_LEVEL": "WARNING",
            **self.environment,
        }
        for name in names:
            self.run(name, [sys.executable, "-m", f"streaming.{name}"], environment=environment)

    def write(self, count: int, rows_per_second: float) -> int:
        """Append rows evenly in time; the number of the first."""
        first = self.rows
        self.rows += count
        numbers = (str(first), str(count), str(rows_per_second))
        command = [sys.executable, "-m", "benchmarks.writer", str(self.log), *numbers]
        subprocess.run(command, cwd=ROOT, check=True)
        return first

    def until(
        self, holds: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS
    ) -> None:
        """Look until it holds; SystemExit with what the processes complained of if it does not."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                complaints = [path.read_text("utf-8") for path in self.folder.glob("*.err")]
                message = f"not within {seconds:.0f} s: {what}\n{''.join(complaints)}"
                raise SystemExit(message)
            time.sleep(0.02)

    def usage(self) -> dict[str, Usage]:
        """What every role has used until now."""
        return {role: _usage(processes) for role, processes in self.roles.items()}

    def end(self) -> None:
        """End the processes that were started here, the latest first."""
        for processes in reversed(self.roles.values()):
            for process in processes:
                process.kill()
            for process in processes:
                process.wait()
                if process.stdout is not None:
                    process.stdout.close()


@contextmanager
def rig(log: Path | None = None) -> Iterator[Rig]:
    """A rig with its broker running; everything ends and goes with it."""
    mosquitto = find_mosquitto()
    if mosquitto is None:
        message = "these benchmarks need Mosquitto (Debian: apt-get install mosquitto)"
        raise SystemExit(message)
    with tempfile.TemporaryDirectory(prefix="citywx-bench-") as name:
        folder = Path(name)
        made = Rig(folder, free_port(), log or folder / "bench" / "log" / "readings.csv")
        if log is None:
            new_log(made.log)
        (folder / "broker").mkdir()
        try:
            made.run("broker", prepare_mosquitto(mosquitto, folder / "broker", made.port, PASSWORD))
            made.until(lambda: _accepts(made.port), "the broker accepts connections")
            yield made
        finally:
            made.end()


def new_log(path: Path) -> None:
    """A log that holds its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(",".join(COLUMNS) + "\n", "utf-8")


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _usage(processes: Sequence[subprocess.Popen[bytes]]) -> Usage:
    family = [
        member
        for process in processes
        for top in [psutil.Process(process.pid)]
        for member in (top, *top.children(recursive=True))
    ]
    times = [member.cpu_times() for member in family]
    return Usage(
        sum(one.user + one.system for one in times),
        sum(peak_bytes(member.pid) for member in family) / 2**20,
    )


def peak_bytes(pid: int) -> int:
    """The kernel's own high-water mark of resident memory (Linux), else the present size."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except FileNotFoundError:
        return int(psutil.Process(pid).memory_info().rss)
    return 0
