"""PostgreSQL is down for ten minutes: the recorder waits without growing; nothing is lost."""

import signal
import time

from tests.faults.cases import Figures, Options
from tests.faults.rig import WARM_UP_SECONDS, Rig, disturbed

SECONDS, QUICK_SECONDS = 600, 20
_MOST_GROWTH = 20 << 20
_OTHERS = ("bridge", "alerter")
_IN_STEP_SECONDS = 120.0


def run(options: Options) -> list[Figures]:
    """Hold PostgreSQL down, let it return, and see how soon the recorder is in step."""
    return disturbed(options, disturb)


def disturb(rig: Rig, options: Options) -> Figures:
    """The outage itself, and what it has shown."""
    down = options.number("DOWN_SECONDS", SECONDS, QUICK_SECONDS)
    rig.go_on(WARM_UP_SECONDS)
    before = rig.gauges.memory("recorder")[-1]
    rig.supervisor.hold("postgres", signal.SIGINT)
    gone = time.monotonic()
    rig.go_on(down)
    rig.expect(rig.in_step(*_OTHERS), f"others wait for the database: {rig.positions.now}")
    growth = max(rig.gauges.memory("recorder", gone)) - before
    rig.expect(growth < _MOST_GROWTH, f"the recorder grew by {growth} bytes")
    rig.supervisor.release("postgres")
    seconds = rig.until_in_step("recorder", seconds=2 * _IN_STEP_SECONDS)
    rig.expect((seconds or 0) <= _IN_STEP_SECONDS, f"in step only after {seconds} s")
    return {
        "trials": 1,
        "down_seconds": down,
        "recorder_growth_bytes": growth,
        "recorder_growth_catching_up_bytes": max(rig.gauges.memory("recorder", gone)) - before,
        "seconds_until_in_step": seconds,
    }
