"""Keeps processes running, as the pipeline's own supervisor does, and knows who ended them.

One thread starts everything and stays until the end, since the kernel ties a child's wish to die
with its parent to the thread that started it. An end that the harness did not cause is an `Exit`.
"""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

RESTART_SECONDS = 0.5
_LOOK_SECONDS = 0.02
_END_SECONDS = 15.0
_TAIL_BYTES = 3_000
_SETPRIV = shutil.which("setpriv")
_TIED = (_SETPRIV, "--pdeathsig", "KILL") if _SETPRIV else ()  # nothing outlives the harness


@dataclass
class Service:
    """A process that is kept running."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    cwd: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    held: bool = False
    """Kept down on purpose."""
    caused: bool = False
    """The harness has ended this life."""
    lives: int = 0
    restart_at: float = 0.0
    children: list[psutil.Process] = field(default_factory=list, repr=False)
    """What a killed process leaves behind: the next life begins when they are gone."""


@dataclass(frozen=True, slots=True)
class Exit:
    """A process ended by itself."""

    name: str
    code: int
    at: float
    """Monotonic seconds."""
    tail: str
    """The end of its log."""


class Supervisor:
    """Starts services, and starts again what has ended."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self.exits: list[Exit] = []
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    def add(self, service: Service) -> None:
        """Keep it running from now on."""
        with self._lock:
            self.services[service.name] = service

    def pid(self, name: str) -> int | None:
        """The process id while it runs."""
        with self._lock:
            process = self.services[name].process
            return process.pid if process is not None and process.poll() is None else None

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> bool:
        """End its present life; False when it does not run just now."""
        with self._lock:
            service = self.services[name]
            if service.process is None or service.process.poll() is not None:
                return False
            service.children = _children(service.process.pid)
            service.caused = True
            service.process.send_signal(number)
            return True

    def hold(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End it and keep it down until `release`."""
        with self._lock:
            self.services[name].held = True
            self.kill(name, number)

    def release(self, name: str) -> None:
        """Start it again."""
        with self._lock:
            self.services[name].held = False
            self.services[name].restart_at = 0.0

    def signal_all(self, name: str, number: signal.Signals) -> None:
        """Send a signal to it and to its children."""
        pid = self.pid(name)
        if pid is not None:
            for process in (psutil.Process(pid), *_children(pid)):
                process.send_signal(number)

    def check(self) -> None:
        """Raise what ended the supervisor's own thread."""
        if self._failure is not None:
            raise self._failure

    def exits_of(self, *names: str) -> list[Exit]:
        """Exits that nobody caused, of those services."""
        return [end for end in self.exits if end.name in names]

    def stop(self, order: Sequence[str]) -> None:
        """End everything: the given ones politely and in that order, the rest at once."""
        with self._lock:
            for service in self.services.values():
                service.held = service.caused = True
        for name in (*order, *self.services):
            process = self.services[name].process if name in self.services else None
            if process is not None and process.poll() is None:
                self._end(process, signal.SIGINT if name == "postgres" else signal.SIGTERM)
        self._stopping.set()
        self._thread.join()

    @staticmethod
    def _end(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
        left = _children(process.pid)
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for one in left:
            with suppress(psutil.NoSuchProcess):
                one.kill()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(_LOOK_SECONDS):
                for service in list(self.services.values()):
                    with self._lock:
                        self._look_after(service)
        except BaseException as error:  # noqa: BLE001 - raised again by `check`
            self._failure = error

    def _look_after(self, service: Service) -> None:
        now = time.monotonic()
        if service.process is not None:
            code = service.process.poll()
            if code is None:
                return
            if not service.caused:
                self.exits.append(Exit(service.name, code, now, tail_of(service.log)))
            service.process = None
            service.restart_at = now + RESTART_SECONDS
        if service.held or now < service.restart_at:
            return
        service.children = [one for one in service.children if one.is_running()]
        if not service.children:
            self._start(service)

    def _start(self, service: Service) -> None:
        with service.log.open("ab") as output:
            service.process = subprocess.Popen(
                [*_TIED, *service.command],
                cwd=service.cwd,
                env=service.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the harness
            )
        service.caused = False
        service.lives += 1


def tail_of(log: Path) -> str:
    """The end of a log file."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return file.read().decode(errors="replace")


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
