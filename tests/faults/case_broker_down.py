"""The broker is down for ten minutes: the bridge waits in its place, small, and nothing is lost."""

import time

from tests.faults.cases import Figures, Options
from tests.faults.rig import WARM_UP_SECONDS, Rig, disturbed

SECONDS, QUICK_SECONDS = 600, 20
_SETTLED_SECONDS = 2.0
"""After so long nothing that was acknowledged is still on its way into the checkpoint."""
_MOST_GROWTH = 20 << 20
_IN_STEP_SECONDS = 60.0


def run(options: Options) -> list[Figures]:
    """Hold the broker down, let it return, and see how soon all are in step."""
    return disturbed(options, disturb)


def disturb(rig: Rig, options: Options) -> Figures:
    """The outage itself, and what it has shown."""
    down = options.number("DOWN_SECONDS", SECONDS, QUICK_SECONDS)
    growth, moved = _without_broker(rig, down)
    rig.supervisor.release("broker")
    seconds = rig.until_in_step()
    rig.expect((seconds or 0) <= _IN_STEP_SECONDS, f"in step only after {seconds} s")
    rig.expect(growth < _MOST_GROWTH, f"the bridge grew by {growth} bytes")
    rig.expect(moved == 0, f"the bridge's position moved by {moved} without a broker")
    return {
        "trials": 1,
        "down_seconds": down,
        "bridge_growth_bytes": growth,
        "seconds_until_in_step": seconds,
    }


def _without_broker(rig: Rig, seconds: float) -> tuple[int, int]:
    """Growth of the bridge and movement of its position while there is no broker, in bytes."""
    rig.go_on(WARM_UP_SECONDS)
    before = rig.gauges.memory("bridge")[-1]
    rig.supervisor.hold("broker")
    rig.go_on(_SETTLED_SECONDS)
    began, position = time.monotonic(), rig.positions.now["bridge"]
    rig.go_on(seconds - _SETTLED_SECONDS)
    moved = rig.positions.now["bridge"] - position
    rig.gauges.look()
    return max(rig.gauges.memory("bridge", began)) - before, moved
