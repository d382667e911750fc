"""What a subscriber received, and when: a file that a C program writes, so that it costs little.

`mosquitto_sub -F '%U %p'` stamps each message at its receipt. For bursts it is run without stamps,
which is a quarter faster: the file's own time of change is then when the last message came. It
writes each message at once.
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rig import Rig

_READY_TOPIC = "weather/bench/ready"
_READY = b"ready"
_LOOK_SECONDS = 0.02


class Arrivals:
    """The lines of a file that grows by one line a message."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._counted = 0
        self._read = 0

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

    @property
    def last_at_ns(self) -> int:
        """When the last message was written, to the kernel's tick of some milliseconds."""
        return self.path.stat().st_mtime_ns

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
                return

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


def subscribe(stage: Rig, topic: str, *, stamped: bool) -> Arrivals:
    """Start `mosquitto_sub`, and wait until its subscription stands."""
    announce = ["mosquitto_pub", *stage.login, "-t", _READY_TOPIC, "-r", "-m", _READY.decode()]
    subprocess.run(announce, check=True)
    path = stage.folder / f"{topic.replace('/', '-')}.arrivals"
    form = ["-F", "%U %p"] if stamped else []
    with path.open("wb") as file:
        stage.run(
            "subscriber",
            ["mosquitto_sub", *stage.login, "-q", "1", "-t", _READY_TOPIC, "-t", topic, *form],
            stdout=file.fileno(),
        )
    stage.until(lambda: _READY in path.read_bytes(), "the subscriber subscribes")
    return Arrivals(path)
