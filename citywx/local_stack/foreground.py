"""`citywx up` as its user sees it: progress lines, one screen, and Ctrl-C.

How the stack is started and stopped belongs in `up`, what the screen says in `screen`.
"""

import os
import signal
import threading

from rich.console import Console

from citywx.home import Home
from citywx.local_stack.first_fill import follow_first_fill
from citywx.local_stack.plan import Plan, choose_home, make_plan
from citywx.local_stack.screen import not_ready_lines, ready_lines
from citywx.local_stack.stack_file import running_stack, stack_path
from citywx.local_stack.up import Say, only_starter, start, stop, wait_until_ready
from citywx.settings import Settings, WeatherSource

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_SECONDS = 0.5


def run_up(settings: Settings, *, detach: bool, say: Say) -> int:
    """Start the stack and, unless detached, stay until it is stopped; the exit code."""
    stopping = threading.Event()
    for number in _SIGNALS:
        signal.signal(number, lambda *_: stopping.set())
    home, source, reason = choose_home(settings)
    with only_starter(home):
        if running_stack(home) is not None:
            say(f"citywx is running already in {home.path}")
            say("  citywx status   shows it; changed settings count after citywx down")
            return 0
        say(f"citywx: starting home {home.name} with source {source} ({reason})")
        plan = make_plan(settings, home, source, reason)
        try:
            start(settings, plan, say, watched_pid=None if detach else os.getpid())
        except BaseException:
            stop(home, say)
            raise
        status = wait_until_ready(home, say, stopping)
    if stopping.is_set():
        stop(home, say)
        say("stopped")
        return 0
    if status.ready:
        if source is not WeatherSource.REPLAY and settings.backfill_days:
            follow_first_fill(home, stopping, Console(stderr=True))
        _show(ready_lines(settings, plan, detached=detach), say)
    else:
        _show(not_ready_lines(status, home), say)
    if detach:
        return 0 if status.ready else 1
    return _stay(home, plan, stopping, say)


def _stay(home: Home, plan: Plan, stopping: threading.Event, say: Say) -> int:
    stack = running_stack(home)
    while stack is not None and stack.supervisor is not None and not stopping.is_set():
        stopping.wait(_LOOK_SECONDS)
    if stopping.is_set():
        stop(plan.home, say)
        say("stopped")
        return 0
    if not stack_path(home).exists():
        say("stopped by `citywx down`")
        return 0
    stop(plan.home, say)
    say(f"the process supervisor has died; see {home.logs / 'supervisor.log'}")
    return 1


def _show(lines: list[str], say: Say) -> None:
    for line in lines:
        say(line)
