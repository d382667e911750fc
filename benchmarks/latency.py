"""How long a row takes from its append to the alerter's decision, and to the alert's receipt.

Beside it, how long the peers take to merely deliver the line. Each round measures everyone at one
rate in turn, on a new log; the second client listens to `weather/alerts` all the while, at our
expense.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.arrivals import Arrivals, subscribe
from benchmarks.contenders import Peer, probe
from benchmarks.figures import Figure, beside, medians, quantiles
from benchmarks.rig import Rig, rig
from benchmarks.writer import number_of
from streaming.messages import ALERTS

PAPER = "the paper"
PAPER_MS = 50.0
DECISION, RECEIPT = "CSV append → decision", "CSV append → alert received"
_WARM_UP_SECONDS = 1
_QUIET_SECONDS = 5.0
Rounds = dict[str, list[dict[str, float]]]


def measure(peers: Sequence[Peer], seconds: dict[int, int], rounds: int) -> Iterator[list[Figure]]:
    """The figures at each rate, by rows a second; `seconds`: how long each rate is held."""
    for rate, held in seconds.items():
        found: Rounds = {}
        for number in range(rounds):
            for one in _turns(peers, number):
                for name, values in _one(one, rate, held).items():
                    found.setdefault(name, []).append(summary(values, rate * held))
        yield _figures(rate, found)


def summary(values: Sequence[float], expected: int) -> dict[str, float]:
    """The quantiles, and how many rows never came."""
    return quantiles(values) | {"missing": float(expected - len(values))}


def unit(metric: str) -> str:
    """The unit of a metric here."""
    return "rows" if metric == "missing" else "ms"


def ours(stage: Rig, rate: int, seconds: int, rule: str = "above-23") -> dict[str, list[float]]:
    """Milliseconds to the rule's decision and its receipt, on a log that may hold rows."""
    arrivals = subscribe(stage, ALERTS, stamped=True)
    stage.start("bridge", "alerter")
    probe(stage, arrivals)
    first = _write(stage, arrivals, rate, seconds)
    alerts = stage.home / "alerts.ndjson"
    return {
        DECISION: [event["latency_ms"] for event in _events(alerts, first, rule)],
        RECEIPT: [
            moment * 1e3 - _written_ms(json.loads(payload))
            for moment, payload in arrivals.stamped()
            if _counts(json.loads(payload), first, rule)
        ],
    }


def deliveries(
    stage: Rig, peer: Peer, rate: int, seconds: int, *, paho: bool = False
) -> list[float]:
    """Milliseconds to the delivery of each line by a peer; `paho`: to a subscriber with paho."""
    arrivals = peer.begin(stage, stamped=True, paho=paho)
    first = _write(stage, arrivals, rate, seconds)
    return list(_line_latencies(arrivals, first))


def _turns(peers: Sequence[Peer], number: int) -> list[Peer | None]:
    """Everyone once, we (None) first; the other way round every second time."""
    order = [None, *peers]
    return order if number % 2 == 0 else order[::-1]


def _one(peer: Peer | None, rate: int, seconds: int) -> dict[str, list[float]]:
    with rig() as stage:
        if peer is None:
            return ours(stage, rate, seconds)
        return {peer.name: deliveries(stage, peer, rate, seconds)}


def _write(stage: Rig, arrivals: Arrivals, rate: int, seconds: int) -> int:
    """Append rows at the rate; the number of the first that counts."""
    before = arrivals.count
    warm_up, count = rate * _WARM_UP_SECONDS, rate * seconds
    first = stage.write(warm_up + count, rate) + warm_up
    arrivals.until_quiet(before + warm_up + count, _QUIET_SECONDS)
    return first


def _events(alerts: Path, first: int, rule: str) -> Iterator[dict[str, float]]:
    for line in alerts.read_bytes().splitlines():
        event = json.loads(line)
        if _counts(event, first, rule):
            yield event


def _counts(event: dict[str, str], first: int, rule: str) -> bool:
    return event["rule_id"] == rule and number_of(event["observed_at"]) >= first


def _written_ms(event: dict[str, object]) -> float:
    decided = datetime.fromisoformat(str(event["decided_at"]))
    return decided.timestamp() * 1e3 - float(str(event["latency_ms"]))


def _line_latencies(arrivals: Arrivals, first: int) -> Iterator[float]:
    """Of the lines that came whole: a naive bridge can read one before its stamp is written."""
    for moment, payload in arrivals.stamped():
        if payload.startswith(b"{"):
            row = json.loads(payload)
            observed, written = row["timestamp"], row["fetched_at"]
        else:
            observed, *_, written = payload.decode().split(",")
        if observed != "timestamp" and number_of(observed) >= first and written:
            yield (moment - datetime.fromisoformat(written).timestamp()) * 1e3


def _figures(rate: int, found: Rounds) -> list[Figure]:
    values = {name: medians(rounds) for name, rounds in found.items()}
    mine = {name: values.pop(name) for name in (DECISION, RECEIPT)}
    figures = []
    for name, metrics in mine.items():
        case = f"{name}, {rate} rows/s"
        figures += beside(case, unit, metrics, values)
        figures.append(Figure(case, "max", "ms", metrics["max"], PAPER, PAPER_MS))
    return figures
