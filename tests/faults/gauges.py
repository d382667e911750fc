"""What the processes say about themselves once a second, summed over their lives, and their size.

Counters are lost with a life, so that the last second of each killed one is missing in the sums.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from urllib.request import urlopen

import psutil
from prometheus_client.parser import text_string_to_metric_families

from citywx.home import Home
from tests.faults.supervisor import Supervisor

SCRAPED = ("bridge", "alerter", "recorder")
_PERIOD_SECONDS = 1.0
_TIMEOUT_SECONDS = 0.5

Counts = dict[tuple[str, str], float]
"""By sample name and the value of its only label, or an empty text."""


@dataclass(frozen=True, slots=True)
class Size:
    """A process's memory and handles at a moment."""

    at: float
    """Monotonic seconds."""
    pid: int
    rss: int
    """Bytes."""
    handles: int


class Gauges:
    """Looks once a second."""

    def __init__(self, home: Home, supervisor: Supervisor) -> None:
        self.sizes: dict[str, list[Size]] = {}
        self._lives: dict[tuple[str, int], Counts] = {}
        self._home = home
        self._supervisor = supervisor
        self._stopping = threading.Event()
        threading.Thread(target=self._run, name="gauges", daemon=True).start()

    def total(self, process: str, sample: str) -> Mapping[str, float]:
        """A counter of a process, summed over its lives, by the value of its label."""
        sums: Counter[str] = Counter()
        for (name, _), counts in self._lives.items():
            if name == process:
                for (found, label), value in counts.items():
                    if found == sample:
                        sums[label] += int(value)
        return sums

    def memory(self, process: str, since: float = 0.0) -> list[int]:
        """Its resident bytes at each look since that moment."""
        return [size.rss for size in self.sizes.get(process, []) if size.at >= since]

    def look(self) -> None:
        """Look now."""
        for name in self._supervisor.services:
            pid = self._supervisor.pid(name)
            if pid is None:
                continue
            if (size := measure(pid)) is not None:
                self.sizes.setdefault(name, []).append(size)
            if name in SCRAPED and (counts := self._scrape(name, pid)):
                self._lives[name, pid] = counts

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(_PERIOD_SECONDS):
            self.look()

    def _scrape(self, name: str, pid: int) -> Counts | None:
        try:
            about = json.loads((self._home.run / f"{name}.json").read_bytes())
            if about["pid"] != pid:
                return None  # the new life has not told its port yet
            url = f"http://127.0.0.1:{about['metrics_port']}/metrics"
            with urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:
                text = answer.read().decode()
        except (OSError, ValueError, KeyError, HTTPException):
            return None  # just killed, stopped or not there yet
        return {
            (sample.name, next(iter(sample.labels.values()), "")): sample.value
            for family in text_string_to_metric_families(text)
            if family.type == "counter"
            for sample in family.samples
            if sample.name.endswith("_total")
        }


def measure(pid: int) -> Size | None:
    """The process's memory and handles now; None when it has just gone."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return Size(time.monotonic(), pid, process.memory_info().rss, process.num_fds())
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return None
