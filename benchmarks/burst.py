"""A burst: the log grows by many rows at once while everything runs and has caught up.

Each round measures everyone in turn, on a new log. A peer's burst ends when the last row is
delivered to `mosquitto_sub`.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, zip_longest

from benchmarks.burst_ours import VARIANTS, Variant
from benchmarks.contenders import LIMIT, TAIL, Peer
from benchmarks.figures import Figure, beside, medians
from benchmarks.rig import Rig, rig
from benchmarks.rows import burst

PAPER, PAPER_RATE = "the paper", 1_500.0
_REST_SECONDS = 1.0
Rounds = dict[str, list[dict[str, float]]]


def measure(peers: Sequence[Peer], sizes: Sequence[int], rounds: int) -> Iterator[list[Figure]]:
    """The figures of each size of burst."""
    rivals = [peer for peer in peers if peer.name != LIMIT]
    for size in sizes:
        body = burst(size)
        found: Rounds = {}
        for number in range(rounds):
            for one in _turns(rivals, number):
                sample = _ours(one, body) if isinstance(one, Variant) else _theirs(one, body)
                found.setdefault(one.name, []).append(sample)
        yield _figures(size, found, [peer.name for peer in rivals])


def _turns(peers: Sequence[Peer], number: int) -> list[Variant | Peer]:
    """Ours and peers by turns; the other way round every second time."""
    pairs = chain.from_iterable(zip_longest(VARIANTS, peers))
    order = [one for one in pairs if one is not None]
    return order if number % 2 == 0 else order[::-1]


def _theirs(peer: Peer, body: bytes) -> dict[str, float]:
    with rig() as stage:
        arrivals = peer.begin(stage, stamped=False)
        return _sample(stage, body, lambda began: arrivals.burst(began, body.count(b"\n")))


def _ours(variant: Variant, body: bytes) -> dict[str, float]:
    with rig() as stage, variant.begin(stage) as finish:
        return _sample(stage, body, lambda began: finish(began, body.count(b"\n")))


def _sample(
    stage: Rig, body: bytes, finish: Callable[[float], dict[str, float]]
) -> dict[str, float]:
    """Append the burst, wait for its end; what came of it, and what it cost."""
    time.sleep(_REST_SECONDS)  # so that nothing of the start is counted
    rows, before = body.count(b"\n"), stage.usage()
    descriptor = os.open(stage.log, os.O_WRONLY | os.O_APPEND)
    began, left = time.time(), memoryview(body)
    while left:
        left = left[os.write(descriptor, left) :]
    os.close(descriptor)
    sample = finish(began)
    for role, used in stage.usage().items():
        if role != "subscriber":
            spent = used.cpu_seconds - before[role].cpu_seconds
            sample[f"{role} CPU"] = spent / rows * 1e6
            sample[f"{role} peak memory"] = used.peak_mib
    return sample


def _figures(size: int, found: Rounds, peers: Sequence[str]) -> list[Figure]:
    values = {name: medians(rounds) for name, rounds in found.items()}
    figures = []
    for variant in VARIANTS:
        case = f"burst of {size:,} rows, {variant.name}"
        rivals = peers if variant.beside_all else [TAIL]
        figures += beside(case, _unit, values[variant.name], {one: values[one] for one in rivals})
        rate = values[variant.name]["rate"]
        figures.append(Figure(case, "rate", "rows/s", rate, PAPER, PAPER_RATE))
    return figures


def _unit(metric: str) -> str:
    units = {"CPU": "µs/row", "memory": "MiB", "lost": "rows", "MQTT": "%"}
    return units.get(metric.rsplit(" ", 1)[-1], "rows/s")
