"""Our latency at 200 rows a second with millions of rows in the log already, and with none."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, beside, medians
from benchmarks.latency import DECISION, RECEIPT, ours, summary, unit
from benchmarks.rig import Rig, new_log, rig
from benchmarks.rows import fill
from citywx.staging.position import Checkpoint, Position, hash_before, save_checkpoint
from citywx.staging.segments import identify, open_regular
from streaming.snapshot import Snapshot, encode_snapshot, save_snapshot

RATE = 200
EMPTY = "the same with an empty log"


def measure(rows: int, seconds: int, rounds: int) -> Iterator[list[Figure]]:
    """The figures beside those of an empty log, by turns."""
    found: dict[tuple[str, bool], list[dict[str, float]]] = {}
    with TemporaryDirectory(prefix="citywx-bench-log-") as name:
        long = Path(name) / "readings.csv"
        new_log(long)
        fill(long, rows)
        for number in range(2 * rounds):
            filled = number % 4 in {1, 2}  # empty, filled, filled, empty …
            with rig(long if filled else None) as stage:
                if filled:
                    _begin_at_end(stage)
                for what, values in ours(stage, RATE, seconds).items():
                    sample = summary(values, RATE * seconds)
                    found.setdefault((what, filled), []).append(sample)
    for what in (DECISION, RECEIPT):
        case = f"{what}, {RATE} rows/s, {rows:,} rows in the log"
        mine, theirs = medians(found[what, True]), medians(found[what, False])
        yield beside(case, unit, mine, {EMPTY: theirs})


def _begin_at_end(stage: Rig) -> None:
    """Place the bridge and the alerter at the end of the log, as if they had read it."""
    descriptor = open_regular(stage.log)
    segment = identify(descriptor, 1) if descriptor is not None else None
    if descriptor is None or segment is None:
        message = f"{stage.log} is no log"
        raise SystemExit(message)
    size = stage.log.stat().st_size
    checkpoint = Checkpoint(Position(segment, size), hash_before(descriptor, size))
    state = stage.home / "state"
    for name in ("bridge", "alerter"):
        save_checkpoint(state / "positions" / f"{name}.json", checkpoint)
    save_snapshot(state / "alerter.json", encode_snapshot(Snapshot(checkpoint)))
