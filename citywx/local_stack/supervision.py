"""supervisord as we use it: its configuration, its start, and what it says about its programs.

The configuration holds no secret: programs inherit the environment that supervisord is given.
What the programs are belongs in `programs`.
"""

import http.client
import os
import shlex
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from citywx.home import Home, write_private

_LONGEST_SOCKET_PATH = 90  # supervisord adds its pid for a moment; the kernel allows 104 or 108
_SOCKET_FOLDER = "citywx-supervisor-"
_UNQUOTABLE = (" ;", " #", "\n")  # where supervisord's configuration begins a comment


class SupervisionError(Exception):
    """The supervisor cannot be started or does not answer."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process that is kept running."""

    name: str
    command: tuple[str, ...]
    group: str = "pipeline"
    """Groups stop one after the other, in the reverse of GROUPS."""
    stop_signal: str = "TERM"
    stop_seconds: int = 5


GROUPS = ("servers", "pipeline")
"""In the order in which they start."""


@dataclass(frozen=True, slots=True)
class ProgramState:
    """What supervisord says about a program; running is not yet healthy."""

    state: str
    """RUNNING, STARTING, BACKOFF, STOPPED …"""
    pid: int
    description: str


def control_socket(home: Home) -> Path:
    """A path for the supervisor's socket, in a private folder, short enough for the kernel."""
    path = home.run / "supervisor.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return path
    return Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER)) / "supervisor.sock"


def remove_control_socket(path: Path) -> None:
    """Remove the socket of a supervisor that has ended, and the folder made for it alone."""
    path.unlink(missing_ok=True)
    if path.parent.name.startswith(_SOCKET_FOLDER) and path.parent.is_dir():
        path.parent.rmdir()


def write_configuration(
    path: Path, programs: Iterable[Program], *, control: Path, home: Home, directory: Path
) -> None:
    """Write supervisord's configuration for these programs; SupervisionError for unusable paths."""
    programs = list(programs)
    sections = [
        "[supervisord]",
        "nodaemon = true",
        f"logfile = {_value(home.logs / 'supervisor.log')}",
        "logfile_maxbytes = 5MB",
        f"pidfile = {_value(home.run / 'supervisor.pid')}",
        *(["user = root"] if os.geteuid() == 0 else []),
        "[unix_http_server]",
        f"file = {_value(control)}",
        "chmod = 0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
    ]
    for number, group in enumerate(GROUPS):
        members = [program.name for program in programs if program.group == group]
        if members:
            sections += [f"[group:{group}]", f"programs = {','.join(members)}"]
            sections += [f"priority = {number}"]
    for program in programs:
        sections += _section(program, directory)
    write_private(path, "\n".join(sections) + "\n")


def start_supervisor(
    configuration: Path, environment: Mapping[str, str], logs: Path
) -> "subprocess.Popen[bytes]":
    """Start supervisord in a session of its own, so that Ctrl-C reaches only who started it.

    Programs write their logs into the folder `logs`.
    """
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        command,
        cwd=logs,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the same lines stand in its log file
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Control:
    """Speaks with a running supervisord through its socket."""

    def __init__(self, socket: Path) -> None:
        """Prepare to speak; nothing is sent yet."""
        self._socket = socket

    def states(self) -> dict[str, ProgramState]:
        """Each program's state; SupervisionError when the supervisor does not answer."""
        return {
            info["name"]: ProgramState(info["statename"], info["pid"], info["description"])
            for info in self._call("getAllProcessInfo")
        }

    def start(self, group: str) -> None:
        """Start a group's programs without waiting for them."""
        wait = False
        self._call("startProcessGroup", group, wait)

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - as XML-RPC answers
        # A connection for each call: the transport cannot use one again after an error.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(server.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            message = f"the supervisor does not answer: {error}"
            raise SupervisionError(message) from error
        finally:
            transport.close()


def _section(program: Program, directory: Path) -> list[str]:
    return [
        f"[program:{program.name}]",
        f"command = {_value(shlex.join(program.command))}",
        f"directory = {_value(directory)}",
        "autostart = false",
        "autorestart = true",
        "startsecs = 5",  # with less, a program that dies at once is restarted without back-off
        "startretries = 1000000",  # the default gives up for good after three
        "stopasgroup = true",
        "killasgroup = true",
        f"stopsignal = {program.stop_signal}",
        f"stopwaitsecs = {program.stop_seconds}",
        "redirect_stderr = true",
        f"stdout_logfile = {program.name}.log",  # a path with % in it would be expanded twice
        "stdout_logfile_maxbytes = 10MB",
        "stdout_logfile_backups = 3",
    ]


def _value(text: str | Path) -> str:
    value = str(text)
    if any(mark in value for mark in _UNQUOTABLE):
        message = f"{value} holds ' ;', ' #' or a line end, which the supervisor cannot read"
        raise SupervisionError(message)
    return value.replace("%", "%%")
