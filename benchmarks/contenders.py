"""Who is measured: our processes, and each peer with what it needs.

A peer is started on the rig's log and delivers its lines, as they are or as JSON, to a subscriber.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.arrivals import Arrivals, subscribe
from benchmarks.rig import PASSWORD, ROOT, Rig
from citywx.local_stack.broker import USER

TOPIC = "weather/peer"
NAIVE_0, NAIVE_1 = "naive bridge, QoS 0", "naive bridge, QoS 1"
TAIL = "tail -F | mosquitto_pub"
NODE = "mqtt.js, QoS 1"
LIMIT = "limit: inotify + 2 TCP hops in C"


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: its name, and how it is started and listened to."""

    name: str
    start: Callable[[Rig], None]
    own_arrivals: bool = False
    """It has no broker and writes its arrivals itself."""
    package: Path | None = None
    """Where npm says which version it is."""

    def begin(self, stage: Rig, *, stamped: bool, paho: bool = False) -> Arrivals:
        """Start it with a subscriber, and append rows until one has come through."""
        arrivals = (
            Arrivals(_limit_arrivals(stage))
            if self.own_arrivals
            else subscribe(stage, TOPIC, stamped=stamped, paho=paho)
        )
        self.start(stage)
        probe(stage, arrivals)
        return arrivals


def probe(stage: Rig, arrivals: Arrivals) -> None:
    """Append a row now and then until one comes through, then wait until no more come."""

    def through() -> bool:
        stage.write(2, 20)
        return arrivals.count > 0

    stage.until(through, f"a first row arrives in {arrivals.path.name}")
    arrivals.until_quiet(sys.maxsize, 0.5)


@contextmanager
def peers() -> Iterator[list[Peer]]:
    """All peers that this machine can run; says which it cannot."""
    with TemporaryDirectory(prefix="citywx-bench-tools-") as name:
        tools = Path(name)
        found = [
            Peer(TAIL, _start_tail),
            Peer(NAIVE_0, partial(_start_naive, qos=0)),
            Peer(NAIVE_1, partial(_start_naive, qos=1)),
        ]
        if _install_mqtt_js(tools):
            package = tools / "node_modules" / "mqtt" / "package.json"
            found.append(Peer(NODE, partial(_start_node, tools=tools), package=package))
        if _compile_limit(tools):
            start = partial(_start_limit, program=tools / "limit")
            found.append(Peer(LIMIT, start, own_arrivals=True))
        yield found


def _start_tail(stage: Rig) -> None:
    tail = stage.run("bridge", ["tail", "-n", "+1", "-F", str(stage.log)], stdout=subprocess.PIPE)
    if tail.stdout is None:
        message = "tail has no output"
        raise RuntimeError(message)
    publish = ["mosquitto_pub", "-V", "5", *stage.login, "-t", TOPIC, "-l", "-q", "1"]
    stage.run("bridge", publish, stdin=tail.stdout.fileno())


def _start_naive(stage: Rig, *, qos: int) -> None:
    words = (str(stage.log), str(stage.port), USER, PASSWORD, TOPIC, str(qos))
    stage.run("bridge", [sys.executable, "-m", "benchmarks.naive_bridge", *words])


def _start_node(stage: Rig, *, tools: Path) -> None:
    stage.run("bridge", ["node", str(tools / "node_bridge.js"), str(stage.log), stage.url, TOPIC])


def _start_limit(stage: Rig, *, program: Path) -> None:
    stage.run("bridge", [str(program), str(stage.log), str(_limit_arrivals(stage))])
    stage.until(_limit_arrivals(stage).exists, "the limit's receiver is connected")


def _limit_arrivals(stage: Rig) -> Path:
    return stage.folder / "limit.arrivals"


def _install_mqtt_js(tools: Path) -> bool:
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("left out: mqtt.js, since node or npm is missing")
        return False
    shutil.copy(ROOT / "benchmarks" / "node_bridge.js", tools)
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(tools)]
    result = subprocess.run([*install, "mqtt"], capture_output=True, text=True, check=False)
    if result.returncode:
        print(f"left out: mqtt.js, which npm cannot install: {result.stderr.strip()[-200:]}")
    return result.returncode == 0


def _compile_limit(tools: Path) -> bool:
    if shutil.which("cc") is None:
        print("left out: the limit, since there is no C compiler")
        return False
    source = ROOT / "benchmarks" / "limit.c"
    subprocess.run(["cc", "-O2", "-o", str(tools / "limit"), str(source)], check=True)
    return True
