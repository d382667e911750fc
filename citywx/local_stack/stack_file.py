"""What is known about a running stack: `run/stack.json` in its home.

It names the supervisor by pid *and* start time, since a pid alone may have become somebody else's.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from citywx.home import Home, write_private

_CLOCK_TOLERANCE = 1.0  # seconds; both times come from the same kernel


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that was started; readable by the owner alone, since its URLs hold passwords."""

    home: str
    pid: int
    started: float
    """The supervisor's start, seconds since 1970."""
    control: str
    """The supervisor's socket."""
    urls: dict[str, str] = field(default_factory=dict)
    """Service → address."""
    programs: tuple[str, ...] = ()
    source: str = ""
    mqtt_protocol: int = 5
    mqtt_ca_file: str | None = None

    @property
    def supervisor(self) -> psutil.Process | None:
        """The supervisor's process, or None when it has ended."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _CLOCK_TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def stack_path(home: Home) -> Path:
    """Where a home's stack is noted."""
    return home.run / "stack.json"


def save_stack(home: Home, stack: Stack) -> None:
    """Note a stack as the home's one."""
    write_private(stack_path(home), json.dumps(asdict(stack), indent=1) + "\n")


def load_stack(home: Home) -> Stack | None:
    """The stack last noted for this home, running or not.

    None when there is none, when the note is unreadable, and when it came with a copied or moved
    folder: the stack that it names is then another home's.
    """
    try:
        noted = json.loads(stack_path(home).read_text("utf-8"))
        stack = Stack(**{**noted, "programs": tuple(noted["programs"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stack if stack.home == str(home.path) else None


def running_stack(home: Home) -> Stack | None:
    """The stack that runs in this home now, or None."""
    stack = load_stack(home)
    return stack if stack is not None and stack.supervisor is not None else None
