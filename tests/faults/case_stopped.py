"""Processes that hang: each is stopped for two minutes and goes on; nothing is lost."""

import signal

from tests.faults.cases import Figures, Options
from tests.faults.rig import Rig, disturbed

SECONDS, QUICK_SECONDS = 120, 8
_TOGETHER = (("bridge", "postgres"), ("alerter", "recorder"), ("broker",))
"""What does not wait for one another is stopped at the same time."""
_IN_STEP_SECONDS = 60.0


def run(options: Options) -> list[Figures]:
    """Stop the groups one after the other."""
    return disturbed(options, disturb)


def disturb(rig: Rig, options: Options) -> Figures:
    """The stops themselves, and what they have shown."""
    stopped = options.number("STOPPED_SECONDS", SECONDS, QUICK_SECONDS)
    until_in_step = {" and ".join(names): _stop(rig, names, stopped) for names in _TOGETHER}
    for names, seconds in until_in_step.items():
        rig.expect((seconds or 0) <= _IN_STEP_SECONDS, f"{names}: in step after {seconds} s")
    return {
        "trials": sum(map(len, _TOGETHER)),
        "stopped_seconds": stopped,
        "seconds_until_in_step": until_in_step,
    }


def _stop(rig: Rig, names: tuple[str, ...], seconds: float) -> float | None:
    """Stop them for so long; seconds until everything is in step again."""
    for name in names:
        rig.supervisor.signal_all(name, signal.SIGSTOP)
    rig.go_on(seconds)
    for name in names:
        rig.supervisor.signal_all(name, signal.SIGCONT)
    return rig.until_in_step()
