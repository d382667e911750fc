"""Starts a home's stack, and stops it: `citywx up` and `citywx down`.

What runs belongs in `programs`, how it is kept running in `supervision`.
"""

import fcntl
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from pydantic import SecretStr

from citywx.home import Home
from citywx.local_stack import broker, postgres
from citywx.local_stack.leftovers import end_leftovers
from citywx.local_stack.plan import Plan
from citywx.local_stack.programs import PROJECT, environment, guard, pipeline
from citywx.local_stack.stack_file import Stack, load_stack, save_stack, stack_path
from citywx.local_stack.status import UP, StackStatus, read_status
from citywx.local_stack.supervision import (
    Control,
    Program,
    SupervisionError,
    control_socket,
    remove_control_socket,
    start_supervisor,
    write_configuration,
)
from citywx.prepare import prepare_database
from citywx.settings import Settings

if TYPE_CHECKING:
    import subprocess

Say = Callable[[str], None]

_READY_SECONDS = 120.0
_SERVER_SECONDS = 30.0
_STOP_SECONDS = 40.0
_LOOK_SECONDS = 0.5


class StartError(Exception):
    """The stack cannot be started; the message says why."""


def start(settings: Settings, plan: Plan, say: Say, *, watched_pid: int | None) -> Stack:
    """Start everything and return once the pipeline's processes are started, not yet ready.

    With `watched_pid`, the stack ends when that process does.
    """
    home = plan.home
    for folder in (home.logs, home.run, home.state, home.dagster, home.reports):
        folder.mkdir(parents=True, exist_ok=True)
    ended = end_leftovers(home)
    if ended:
        say(f"ended {ended} processes that an earlier start had left behind")
    earlier = load_stack(home)
    if earlier is not None:
        remove_control_socket(Path(earlier.control))
    for stale in home.run.glob("*.json"):
        stale.unlink()
    shutil.copyfile(PROJECT / "dagster.yaml", home.dagster / "dagster.yaml")
    control = control_socket(home)
    configuration = home.run / "supervisord.conf"
    servers = _servers(settings, plan)
    programs = [*servers, guard(home, watched_pid), *pipeline(settings, plan.ports)]
    write_configuration(configuration, programs, control=control, home=home, directory=PROJECT)
    supervisor = start_supervisor(configuration, environment(settings, plan), home.logs)
    stack = Stack(
        home=str(home.path),
        pid=supervisor.pid,
        started=psutil.Process(supervisor.pid).create_time(),
        control=str(control),
        urls={
            "database": plan.addresses.database,
            "broker": plan.addresses.broker,
            "dagster": plan.addresses.dagster,
            "dashboard": plan.addresses.dashboard,
        },
        programs=tuple(program.name for program in programs),
        source=plan.source.value,
        mqtt_protocol=plan.addresses.mqtt_protocol,
        mqtt_ca_file=plan.addresses.mqtt_ca_file,
    )
    save_stack(home, stack)
    _start_in_order(settings, plan, supervisor, Control(control), say)
    return stack


def wait_until_ready(home: Home, say: Say, stopping: threading.Event) -> StackStatus:
    """Wait until every service is up, telling of each; the last status, ready or not."""
    told: set[str] = set()
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        status = read_status(home)
        for name, service in status.services.items():
            if service.state == UP and name not in told:
                told.add(name)
                say(f"{name} is up")
        finished = status.ready or not status.running or time.monotonic() > deadline
        if finished or stopping.wait(_LOOK_SECONDS):
            return status


def stop(home: Home, say: Say) -> bool:
    """End the home's stack and whatever was left of it; whether there was anything to end."""
    stack = load_stack(home)
    supervisor = stack.supervisor if stack else None
    if supervisor is not None:
        say("stopping …")
        supervisor.send_signal(signal.SIGTERM)
        _, alive = psutil.wait_procs([supervisor], timeout=_STOP_SECONDS)
        for process in alive:
            process.kill()
    ended = end_leftovers(home)
    stack_path(home).unlink(missing_ok=True)
    if stack is not None:
        remove_control_socket(Path(stack.control))
    return supervisor is not None or ended > 0


@contextmanager
def only_starter(home: Home) -> Iterator[None]:
    """Hold the right to start this home's stack; StartError when another one is starting it."""
    home.run.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home.run / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        message = f"another `citywx up` is starting {home.path} just now"
        raise StartError(message) from None
    try:
        yield
    finally:
        os.close(descriptor)


def _servers(settings: Settings, plan: Plan) -> list[Program]:
    """PostgreSQL and the broker, except where the settings name ones that run elsewhere."""
    home, servers = plan.home, []
    if settings.database_url is None:
        postgres.initialise(home.postgres)
        command = postgres.server_command(home.postgres, plan.ports.database)
        servers.append(Program("database", tuple(command), "servers", "INT", 20))
    if settings.mqtt_url is None:
        command = broker.prepare(home, plan.ports.broker, plan.passwords.mqtt)
        servers.append(Program("broker", tuple(command), "servers"))
    return servers


def _start_in_order(
    settings: Settings,
    plan: Plan,
    supervisor: "subprocess.Popen[bytes]",
    control: Control,
    say: Say,
) -> None:
    _until_answering(control, supervisor)
    say("starting the database and the broker")
    control.start("servers")
    if settings.database_url is None:
        postgres.prepare(plan.home.postgres, plan.ports.database, plan.passwords.postgres)
    say("bringing the database's tables up to date")
    url = SecretStr(plan.addresses.database)
    prepare_database(settings.model_copy(update={"database_url": url}))
    say("starting the pipeline")
    control.start("pipeline")


def _until_answering(control: Control, supervisor: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _SERVER_SECONDS
    while True:
        try:
            control.states()
        except SupervisionError as error:
            if supervisor.poll() is not None or time.monotonic() > deadline:
                message = f"the process supervisor does not start: {error}"
                raise StartError(message) from error
            time.sleep(_LOOK_SECONDS)
        else:
            return
