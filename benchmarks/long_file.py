"""Whether a log that already holds many rows makes each new one slower: it must not."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, medians, quantiles
from benchmarks.latency import DECISION, ours
from benchmarks.rig import Rig, rig
from benchmarks.rows import fill
from citywx.staging.position import Checkpoint, Position, hash_before, save_checkpoint
from citywx.staging.segments import identify
from citywx.weather.reading import COLUMNS
from streaming.snapshot import Snapshot, encode_snapshot, save_snapshot

RATE = 200


def measure(rows: int, seconds: int, rounds: int) -> Iterator[list[Figure]]:
    """The decision's latency with so many rows in the file, beside that with none."""
    with TemporaryDirectory(prefix="citywx-bench-log-") as name:
        log = Path(name) / "readings.csv"
        log.write_text(",".join(COLUMNS) + "\n", "utf-8")
        fill(log, rows)
        size = log.stat().st_size
        empty, full = [], []
        for _ in range(rounds):
            with rig() as stage:
                empty.append(quantiles(ours(stage, RATE, seconds)[DECISION]))
            with rig(log) as stage:
                begin_at_end(stage)
                full.append(quantiles(ours(stage, RATE, seconds)[DECISION]))
            os.truncate(log, size)
    case = f"{DECISION}, {RATE} rows/s, {rows:,} rows in the file"
    without = medians(empty)
    yield [
        Figure(case, metric, "ms", value, "none in the file", without[metric])
        for metric, value in medians(full).items()
    ]


def begin_at_end(stage: Rig) -> None:
    """Let bridge and alerter go on behind the file's last line, as if they had read it."""
    descriptor = os.open(stage.log, os.O_RDONLY)
    name, size = identify(descriptor, 1), os.fstat(descriptor).st_size
    if name is None:
        message = f"{stage.log} holds no line"
        raise RuntimeError(message)
    here = Checkpoint(Position(name, size), hash_before(descriptor, size))
    os.close(descriptor)
    state = stage.home / "state"
    save_checkpoint(state / "positions" / "bridge.json", here)
    save_snapshot(state / "alerter.json", encode_snapshot(Snapshot(here)))
