"""Which subscriber shows the peers at their best: `mosquitto_sub`, which is used, or paho."""

from collections.abc import Iterator, Sequence

from benchmarks.contenders import TAIL, Peer
from benchmarks.figures import Figure, beside, medians
from benchmarks.latency import deliveries, summary, unit
from benchmarks.rig import rig

RATE = 200
PAHO = "stamped by a paho process"


def measure(peers: Sequence[Peer], seconds: int, rounds: int) -> Iterator[list[Figure]]:
    """The same peer, stamped by either, by turns."""
    (tail,) = (peer for peer in peers if peer.name == TAIL)
    found: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for number in range(2 * rounds):
        paho = number % 4 in {1, 2}
        with rig() as stage:
            values = deliveries(stage, tail, RATE, seconds, paho=paho)
        found[paho].append(summary(values, RATE * seconds))
    case = f"{TAIL}, {RATE} rows/s, stamped by mosquitto_sub"
    yield beside(case, unit, medians(found[False]), {PAHO: medians(found[True])})
