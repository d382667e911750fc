"""What a subscriber received, and when: a file that a C program writes, so that it costs little.

`mosquitto_sub -F '%U %p'` stamps each message at its receipt. For bursts it is run without stamps,
which is a quarter faster: the file's own time of change is then when the last message came. It
writes each message at once.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rig import PASSWORD, Rig
from benchmarks.rows import SOURCE
from citywx.local_stack.broker import USER

_READY_TOPIC = "weather/bench/ready"
_READY = b"ready"
_LOOK_SECONDS = 0.02


class Arrivals:
    """The lines of a file that grows by one line a message."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._counted = 0
        self._read = 0
        self._counted_at_rest = 0

    @property
    def count(self) -> int:
        """Messages so far, other than the one that says that the subscription stands."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                while data := file.read(1 << 20):
                    self._read += len(data)
                    self._counted += data.count(b"\n")
        return self._counted - 1 if self._has_ready() else self._counted

    def until_quiet(self, count: int, quiet_seconds: float) -> None:
        """Wait until so many messages have come, or until none has come for so long.

        Looks at the file's size alone while it grows: reading it would cost the measured ones.
        """
        size, since = -1, time.monotonic()
        while True:
            time.sleep(_LOOK_SECONDS)
            now, seen = time.monotonic(), self.path.stat().st_size
            if seen != size:
                size, since = seen, now
            elif now - since > quiet_seconds or (now - since > 0.2 and self.count >= count):
                self._counted_at_rest = self.count
                return

    def burst(self, began: float, rows: int) -> dict[str, float]:
        """Wait until so many rows of a burst have come, or no more do; rows a second, rows lost.

        The file's time of change is exact to the kernel's tick of some milliseconds.
        """
        before = self._counted_at_rest
        self.until_quiet(before + rows, 5 + rows / 20_000)
        seconds = self.path.stat().st_mtime - began
        whole = {hash(line) for line in self.lines()[before:] if SOURCE in line}
        return {"rate": len(whole) / seconds, "lost": float(rows - len(whole))}

    def lines(self) -> list[bytes]:
        """Messages as they stand in the file."""
        lines = self.path.read_bytes().splitlines()
        return lines[1:] if self._has_ready() else lines

    def stamped(self) -> Iterator[tuple[float, bytes]]:
        """Moments of arrival (seconds since 1970) and payloads."""
        for line in self.lines():
            moment, _, payload = line.partition(b" ")
            yield float(moment), payload

    def _has_ready(self) -> bool:
        if not self.path.exists():
            return False
        with self.path.open("rb") as file:
            return _READY in file.readline().split(b" ")[-1]


def subscribe(stage: Rig, topic: str, *, stamped: bool, paho: bool = False) -> Arrivals:
    """Start a subscriber, and wait until its subscription stands."""
    announce = ["mosquitto_pub", *stage.login, "-t", _READY_TOPIC, "-r", "-m", _READY.decode()]
    subprocess.run(announce, check=True)
    path = stage.folder / f"{topic.replace('/', '-')}.arrivals"
    form = ["-F", "%U %p"] if stamped else []
    command = ["mosquitto_sub", *stage.login, "-q", "1", "-t", _READY_TOPIC, "-t", topic, *form]
    if paho:
        words = (str(stage.port), USER, PASSWORD, _READY_TOPIC, topic)
        command = [sys.executable, "-m", "benchmarks.paho_subscriber", *words]
    with path.open("wb") as file:
        stage.run("subscriber", command, stdout=file.fileno())
    stage.until(lambda: _READY in path.read_bytes(), "the subscriber subscribes")
    return Arrivals(path)
