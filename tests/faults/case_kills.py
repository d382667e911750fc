"""SIGKILLs at random moments while rows are written: nothing is lost, double or corrupt.

Settings: SEED, TRIALS (kills of each victim), VICTIMS (`bridge,broker`), BROKER (`amqtt`).
"""

import logging
import math
import random
import statistics
import time

from tests.faults.cases import Figures, Options, upper_bound
from tests.faults.positions import WATCHED, Recovery
from tests.faults.rig import Plan, Rig, running

VICTIMS = ("bridge", "broker", "alerter", "recorder", "postgres")
TRIALS, QUICK_TRIALS = 200, 4
_LONGEST_PAUSE = 2.0
_REGARDLESS = 0.2
"""Share of kills that hit also who is still recovering from the last one."""
_RECOVERED_SECONDS = 30.0
_GIVEN_UP_SECONDS = 60.0
_log = logging.getLogger(__name__)


def run(options: Options) -> list[Figures]:
    """Kill, each victim equally often, in an order and at moments that the seed gives."""
    trials = options.number("TRIALS", TRIALS, QUICK_TRIALS)
    victims = options.words("VICTIMS", VICTIMS)
    pause = options.number("PAUSE", _LONGEST_PAUSE, _LONGEST_PAUSE)
    dice = random.Random(options.seed)  # noqa: S311 - to repeat a failure
    kills = list(victims) * trials
    dice.shuffle(kills)
    began = time.monotonic()
    with running(Plan.of(options)) as rig:
        left = list(kills)
        while left:
            victim = _choose(rig, left, regardless=dice.random() < _REGARDLESS)
            rig.go_on(dice.uniform(0, pause))
            _kill(rig, victim)
            if len(left) % 50 == 0:
                _log.info("%d of %d kills left, %d rows", len(left), len(kills), rig.rows)
        rig.until(lambda: not rig.positions.pending(), "recovery from the last kills")
        verdict = rig.finish()
        recoveries = rig.positions.recoveries
        slow = [r for r in recoveries if (r.seconds or 0) > _RECOVERED_SECONDS]
        rig.expect(not slow, f"{len(slow)} recoveries took over 30 s: {slow[:5]}")
        figures = rig.figures(verdict, began) | {
            "trials": len(kills),
            "broker": rig.plan.broker,
            **_recovery_figures(recoveries, verdict.clean),
        }
        of_each = {
            victim: _recovery_figures([r for r in recoveries if r.victim == victim], verdict.clean)
            for victim in victims
        }
    return [figures | {"victims": of_each}]


def _choose(rig: Rig, left: list[str], *, regardless: bool) -> str:
    """Take the next victim whose work is in step; whoever it is, where that is `regardless`."""

    def ready() -> list[str]:
        pending = {WATCHED[recovery.victim] for recovery in rig.positions.pending()}
        return [victim for victim in left if regardless or WATCHED[victim] not in pending]

    rig.until(lambda: bool(ready()), "recovery of anyone who is to be killed", _GIVEN_UP_SECONDS)
    victim = (ready() or left)[0]
    left.remove(victim)
    return victim


def _kill(rig: Rig, victim: str) -> None:
    rig.wait_for(lambda: rig.supervisor.pid(victim) is not None, f"a running {victim}")
    rig.positions.note_kill(victim)
    rig.supervisor.kill(victim)


def _recovery_figures(recoveries: list[Recovery], clean: bool) -> Figures:  # noqa: FBT001 - a fact
    seconds = sorted(r.seconds for r in recoveries if r.seconds is not None)
    return {
        "kills": len(recoveries),
        "recovery_seconds_median": round(statistics.median(seconds), 2),
        "recovery_seconds_p95": round(seconds[math.ceil(0.95 * len(seconds)) - 1], 2),
        "recovery_seconds_max": round(seconds[-1], 2),
        "failure_rate_below": upper_bound(len(recoveries)) if clean else None,
    }
