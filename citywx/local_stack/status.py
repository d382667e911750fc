"""How a stack is doing: what its supervisor says, and what each server answers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from citywx.home import Home
from citywx.local_stack.probes import (
    broker_problem,
    dagster_problem,
    dashboard_problem,
    database_problem,
    process_problem,
)
from citywx.local_stack.programs import STREAMING
from citywx.local_stack.stack_file import Stack, running_stack
from citywx.local_stack.supervision import Control, ProgramState, SupervisionError

UP, STARTING, DOWN = "up", "starting", "down"

_SERVICES = (
    "database",
    "broker",
    *STREAMING,
    "dagster",
    "dagster-code",
    "dagster-daemon",
    "dashboard",
)
PROGRAM_OF = {"dagster": "dagster-webserver"}
"""The program of a service, where it has another name."""

_ALIVE = ("RUNNING", "STARTING")


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How one service is doing."""

    state: str
    """up, starting or down."""
    url: str | None = None
    """Where it is reached; may hold a password."""
    problem: str | None = None
    """Why it is not up, for people."""


@dataclass(frozen=True, slots=True)
class StackStatus:
    """How the whole stack is doing."""

    home: Path
    kind: str
    running: bool
    services: dict[str, ServiceStatus] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Whether every service is up."""
        return self.running and all(service.state == UP for service in self.services.values())

    def as_json(self) -> dict[str, object]:
        """The contract of `citywx status --json`; its URLs hold passwords."""
        services = {
            name: {"state": service.state}
            | ({"url": service.url} if service.url else {})
            | ({"problem": service.problem} if service.problem else {})
            for name, service in self.services.items()
        }
        return {
            "ready": self.ready,
            "home": str(self.home),
            "kind": self.kind,
            "services": services,
        }


def read_status(home: Home) -> StackStatus:
    """Ask the supervisor and all servers of the home's stack, at once."""
    stack = running_stack(home)
    if stack is None:
        down = {name: ServiceStatus(DOWN) for name in _SERVICES}
        return StackStatus(home.path, home.kind, running=False, services=down)
    try:
        programs = Control(Path(stack.control)).states()
    except SupervisionError as error:
        down = {name: ServiceStatus(DOWN, problem=str(error)) for name in _SERVICES}
        return StackStatus(home.path, home.kind, running=True, services=down)
    with ThreadPoolExecutor(len(_SERVICES)) as pool:
        states = pool.map(lambda name: _service(name, stack, programs, home), _SERVICES)
        services = dict(zip(_SERVICES, states, strict=True))
    return StackStatus(home.path, home.kind, running=True, services=services)


def _service(
    name: str, stack: Stack, programs: dict[str, ProgramState], home: Home
) -> ServiceStatus:
    url = stack.urls.get(name)
    program = programs.get(PROGRAM_OF.get(name, name))
    if program is not None and program.state not in _ALIVE:
        waiting = "waits for what it needs" if program.state == "STOPPED" else program.description
        return ServiceStatus(DOWN, url, f"{waiting} ({program.state.lower()})")
    problem = _probe(name, stack, home)()
    if problem is None:
        return ServiceStatus(UP, url)
    return ServiceStatus(
        STARTING if program and program.state == "STARTING" else DOWN, url, problem
    )


def _probe(name: str, stack: Stack, home: Home) -> Callable[[], str | None]:
    if name in STREAMING:
        return partial(process_problem, home.run / f"{name}.json")
    probes: dict[str, Callable[[str], str | None]] = {
        "database": database_problem,
        "broker": partial(broker_problem, ca_file=stack.mqtt_ca_file),
        "dagster": dagster_problem,
        "dashboard": dashboard_problem,
    }
    url = stack.urls.get(name)
    if name in probes and url is not None:
        return partial(probes[name], url)
    return lambda: None
