"""A burst: the log grows by many rows at once while everything runs and has caught up.

Each round measures everyone in turn, on a new log. What the peers do is to deliver; ours is
measured until delivered, until decided on by the alerter, and until in PostgreSQL.
"""

import json
import re
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.arrivals import subscribe
from benchmarks.contenders import LIMIT, TAIL, Peer, probe
from benchmarks.database import Database
from benchmarks.figures import Figure, beside, medians
from benchmarks.rig import Rig, Usage, rig
from benchmarks.rows import burst
from streaming.messages import ALERTS, READINGS

PAPER = "the paper"
PAPER_ROWS_A_SECOND = 1500.0
PACK = {"BRIDGE_PACK": "catch-up"}
_QUIET_SECONDS = 20.0
_UNITS = {"rate": "rows/s", "lost": "rows"}
Measured = dict[str, float]


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to measure ours."""

    name: str
    run: Callable[[Rig, bytes, int], Measured]


def measure(peers: Sequence[Peer], counts: Sequence[int], rounds: int) -> Iterator[list[Figure]]:
    """The figures for bursts of so many rows."""
    fit = [peer for peer in peers if peer.name != LIMIT]
    for count in counts:
        found: dict[str, list[Measured]] = {}
        for _ in range(rounds):
            data = burst(count)
            for peer in fit:
                with rig() as stage:
                    found.setdefault(peer.name, []).append(_peer(stage, peer, data, count))
            for variant in VARIANTS:
                with rig() as stage:
                    found.setdefault(variant.name, []).append(variant.run(stage, data, count))
        yield _figures(count, fit, found)


def _peer(stage: Rig, peer: Peer, data: bytes, count: int) -> Measured:
    arrivals = peer.begin(stage, stamped=False)
    before, used = arrivals.count, stage.usage()
    began = _append(stage, data)
    arrivals.until_quiet(before + count, _QUIET_SECONDS)
    seconds = arrivals.last_at_ns / 1e9 - began
    lost = count - (len(set(arrivals.lines()[before:])))
    return _measured(stage, used, count, seconds, lost)


def _delivered(stage: Rig, data: bytes, count: int) -> Measured:
    arrivals = subscribe(stage, READINGS, stamped=False)
    stage.start("bridge")
    probe(stage, arrivals)
    before, used = arrivals.count, stage.usage()
    began = _append(stage, data)
    arrivals.until_quiet(before + count, _QUIET_SECONDS)
    seconds = arrivals.last_at_ns / 1e9 - began
    lost = count - len(set(arrivals.lines()[before:]))
    return _measured(stage, used, count, seconds, lost)


def _decided(stage: Rig, data: bytes, count: int) -> Measured:
    """Until the alert of the last row has been received by another client."""
    stage.environment.update(PACK)
    arrivals = subscribe(stage, ALERTS, stamped=False)
    stage.start("bridge", "alerter")
    probe(stage, arrivals)
    before, used, judged = arrivals.count, stage.usage(), _judged(stage)
    began = _append(stage, data)
    stage.until(lambda: arrivals.count > before, "the last row's alert comes")
    seconds = arrivals.last_at_ns / 1e9 - began
    lost = count - (_judged(stage) - judged)
    return _measured(stage, used, count, seconds, lost)


def _recorded(stage: Rig, data: bytes, count: int, *others: str) -> Measured:
    """Until the recorder has committed the last row."""
    stage.environment.update(PACK)
    database = Database(stage)
    stage.start("bridge", "recorder", *others)
    stage.write(2, 20)
    stage.until(lambda: database.position() == stage.log.stat().st_size, "it is in step")
    used = stage.usage()
    began = _append(stage, data)
    size = stage.log.stat().st_size
    stage.until(lambda: database.position() == size, "every row is committed")
    seconds = time.time() - began
    measured = _measured(stage, used, count, seconds, count - database.burst_rows())
    database.close()
    return measured


def _recorded_and_decided(stage: Rig, data: bytes, count: int) -> Measured:
    return _recorded(stage, data, count, "alerter")


DELIVERED = Variant("delivered, one message a row", _delivered)
VARIANTS = (
    DELIVERED,
    Variant("decided on, packed", _decided),
    Variant("in live_readings, packed", _recorded),
    Variant("in live_readings, packed, with the alerter beside", _recorded_and_decided),
)


def _append(stage: Rig, data: bytes) -> float:
    """Append all of it; when that began (seconds since 1970)."""
    began = time.time()
    with stage.log.open("ab", buffering=0) as log:
        log.write(data)
    return began


def _judged(stage: Rig) -> int:
    """Readings that the alerter has judged."""
    about = json.loads((stage.home / "run" / "alerter.json").read_text("utf-8"))
    address = f"http://127.0.0.1:{about['metrics_port']}/metrics"
    pattern = re.compile(r"^citywx_alerter_readings_total (\S+)", re.MULTILINE)
    with urllib.request.urlopen(address, timeout=5) as answer:
        found = pattern.search(answer.read().decode())
    return int(float(found[1])) if found else 0


def _measured(
    stage: Rig, used: dict[str, Usage], count: int, seconds: float, lost: int
) -> Measured:
    figures = {"rate": count / seconds, "lost": float(lost)}
    for role, now in stage.usage().items():
        if role != "subscriber":
            before = used[role].cpu_seconds
            figures[f"{role} µs/row"] = (now.cpu_seconds - before) / count * 1e6
            figures[f"{role} MiB"] = now.peak_mib
    return figures


def _figures(count: int, peers: Sequence[Peer], found: dict[str, list[Measured]]) -> list[Figure]:
    values = {name: medians(rounds) for name, rounds in found.items()}
    theirs = {peer.name: values[peer.name] for peer in peers}
    figures = []
    for variant in VARIANTS:
        case = f"burst of {count:,} rows, {variant.name}"
        beside_whom = theirs if variant is DELIVERED else {TAIL: theirs[TAIL]}
        shared = {
            name: {"rate": one["rate"], "lost": one["lost"]} for name, one in beside_whom.items()
        }
        figures += beside(case, _units(values[variant.name]), values[variant.name], shared)
        figures.append(
            Figure(case, "rate", "rows/s", values[variant.name]["rate"], PAPER, PAPER_ROWS_A_SECOND)
        )
    for name, one in theirs.items():
        alone = {metric: value for metric, value in one.items() if metric not in _UNITS}
        figures += beside(f"burst of {count:,} rows, {name}", _units(alone), alone, {})
    return figures


def _units(measured: Measured) -> dict[str, str]:
    return _UNITS | {name: name.split()[-1] for name in measured if " " in name}
