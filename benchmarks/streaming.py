"""`make bench-streaming [QUICK=1] [CASES=latency,burst,long-log,stamping]`.

The speed layer beside what people would build instead, side by side in one run: each round
measures everyone in turn, every second round the other way round; figures are medians over rounds.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence

from benchmarks import burst, latency, long_log, stamping
from benchmarks.contenders import LIMIT, TAIL, Peer, peers
from benchmarks.figures import Figure
from benchmarks.machine import machine, versions
from benchmarks.report import Row, asked_cases, headline, merge, tables, write_section

QUICK = os.environ.get("QUICK") == "1"
ROUNDS = 2 if QUICK else 5
_SECONDS = {10: 5, 200: 4, 2000: 2} if QUICK else {10: 20, 200: 10, 2000: 5}  # by rows a second
_BURSTS = (20_000, 100_000) if QUICK else (100_000, 1_000_000)
_BURST_ROUNDS = 1 if QUICK else 3
_LONG = 300_000 if QUICK else 10_000_000
_HOW = """\
Everyone was measured in the same run, in turn, every second round the other way round; a figure is
the median over the rounds, a ratio is ours divided by the peer's. Take ratios, not seconds. What
else the machine was doing stands below as its load average before each part.

- A process of its own appends the rows, one write each, stamped just before the write.
- *Decision*: `latency_ms` of the event in `alerts.ndjson`; each row crosses 23 °C and sets one off.
  *Alert received*: by a second client on `weather/alerts`, which listens all the while.
- A peer's latency is to the line's delivery, and nothing decides. Deliveries are stamped by
  `mosquitto_sub -F '%U %p'`; the limit stamps its own.
- A burst is one append. *Delivered*: to `mosquitto_sub -q 1` without stamps, which is faster.
  *Decided on*: until the alerter's decision on the last row. *Recorded*: until all rows are in
  PostgreSQL with its durable default settings. CPU is user and system time of the role's processes,
  peak memory the sum of their resident peaks (PostgreSQL's share pages, which count several times).
- `tail -n +1 -F readings.csv | mosquitto_pub -V 5 -l -q 1` passes raw lines on and keeps no
  position. The naive bridge reads the whole file at each event, as in `naive_bridge.py`; mqtt.js
  runs `node_bridge.js`. The limit is `limit.c`: no broker, no parsing. The paper's figures are what
  it states.
- With many rows in the log, our bridge and alerter begin at its end, as after a restart.
"""

Case = Callable[[Sequence[Peer]], Iterator[list[Figure]]]
CASES: dict[str, Case] = {
    "latency": lambda found: latency.measure(found, _SECONDS, ROUNDS),
    "burst": lambda found: burst.measure(found, _BURSTS, _BURST_ROUNDS),
    "long-log": lambda _: long_log.measure(_LONG, _SECONDS[long_log.RATE], ROUNDS),
    "stamping": lambda found: stamping.measure(found, _SECONDS[stamping.RATE], ROUNDS),
}


def main() -> None:
    """Measure the cases that were asked for, by default all."""
    asked = asked_cases(CASES)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    with peers() as found:
        packages = [peer.package for peer in found if peer.package is not None]
        about: Row = {"machine": machine(), "versions": versions(packages)}
        for name in asked:
            figures, load = [], round(os.getloadavg()[0], 1)
            for some in CASES[name](found):
                print(tables(one.row() for one in some), end="\n\n", flush=True)
                figures += some
            rounds = _BURST_ROUNDS if name == "burst" else ROUNDS
            run: Row = {"quick": QUICK, "rounds": rounds, "load_before": load}
            write_section("Streaming", _section(merge("streaming", name, run, figures, about)))


def _section(body: Row) -> str:
    rows = body["rows"] if isinstance(body["rows"], list) else []
    about = {**_mapping(body["machine"]), **_mapping(body["versions"])}
    facts = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in about.items())
    runs = "\n".join(f"- {_told(name, part)}" for name, part in _mapping(body["parts"]).items())
    best = headline(rows, (TAIL, LIMIT, long_log.EMPTY))
    return f"{best}\n\n{tables(rows)}\n\n### How\n\n{_HOW}\n{runs}\n\nOn: {facts}.\n"


def _told(name: str, part: dict[str, object]) -> str:
    quick = "; a quick run, short and noisier" if part["quick"] else ""
    how = f"{part['rounds']} rounds, load average {part['load_before']} before"
    return f"{name}: {part['date']}, {how}{quick}"


def _mapping(value: object) -> dict[str, dict[str, object]]:
    return value if isinstance(value, dict) else {}


if __name__ == "__main__":
    main()
