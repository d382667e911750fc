"""Twenty minutes of work: no process grows, none keeps handles."""

import statistics
import time

from tests.faults.cases import Figures, Options
from tests.faults.rig import Plan, Rig, running

SECONDS, QUICK_SECONDS = 20 * 60, 60
_WATCHED = ("bridge", "broker", "alerter", "recorder")
_AROUND_SECONDS = 10.0
"""A mark is the median over so long, so that a moment's buffer is no growth."""
_MOST_GROWTH = 3 << 20


def run(options: Options) -> list[Figures]:
    """Compare sizes after a quarter (a third, when quick) and at the end."""
    seconds = options.number("SOAK_SECONDS", SECONDS, QUICK_SECONDS)
    marks = (seconds / 3 if options.quick else seconds / 4, seconds)
    began = time.monotonic()
    with running(Plan.of(options)) as rig:
        start = time.monotonic()
        rig.go_on(seconds + _AROUND_SECONDS)
        sizes = {name: [_at(rig, name, start + mark) for mark in marks] for name in _WATCHED}
        for name, (early, late) in sizes.items():
            growth, handles = late[0] - early[0], late[1] - early[1]
            rig.expect(growth <= _MOST_GROWTH, f"{name} grew by {growth} bytes")
            rig.expect(handles <= 0, f"{name} has {handles} more handles open")
        return [
            rig.figures(rig.finish(), began)
            | {
                "trials": 1,
                "marks_seconds": marks,
                "rss_bytes": {name: [rss for rss, _ in both] for name, both in sizes.items()},
                "handles": {name: [open_ for _, open_ in both] for name, both in sizes.items()},
            }
        ]


def _at(rig: Rig, name: str, moment: float) -> tuple[int, int]:
    """Resident bytes and open handles of a process around a moment."""
    sizes = rig.gauges.sizes[name]
    near = [size for size in sizes if abs(size.at - moment) <= _AROUND_SECONDS]
    return (
        round(statistics.median(size.rss for size in near)),
        round(statistics.median(size.handles for size in near)),
    )
