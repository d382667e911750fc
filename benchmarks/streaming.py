"""The speed layer beside what people would use instead: `make bench-streaming [QUICK=1]`.

Everyone is measured in turn in the same run, and the median over the rounds is told: machines
drift, ratios within a run hold. `CASES=latency,burst,file` chooses; the others keep their earlier
figures.
"""

import os
from collections.abc import Iterator, Sequence

from benchmarks import burst, latency, long_file
from benchmarks.contenders import Peer, peers
from benchmarks.figures import Figure
from benchmarks.report import report, show

QUICK = os.environ.get("QUICK") == "1"
CASES = tuple(os.environ.get("CASES", "latency,file,burst").split(","))


def main() -> None:
    """Measure the chosen cases, and report."""
    with peers() as contenders:
        for case in CASES:
            figures: list[Figure] = []
            for part in _measure(case, contenders):
                show(part)
                figures += part
            report("streaming", case, figures, contenders, quick=QUICK)


def _measure(case: str, contenders: Sequence[Peer]) -> Iterator[list[Figure]]:
    if case == "latency":
        seconds = {10: 10, 200: 5, 2000: 3} if QUICK else {10: 30, 200: 20, 2000: 10}
        return latency.measure(contenders, seconds, rounds=1 if QUICK else 3)
    if case == "file":
        rows = 300_000 if QUICK else 10_000_000
        return long_file.measure(rows, seconds=5 if QUICK else 20, rounds=1 if QUICK else 3)
    if case == "burst":
        counts = (20_000, 100_000) if QUICK else (100_000, 1_000_000)
        return burst.measure(contenders, counts, rounds=1 if QUICK else 3)
    message = f"CASES knows latency, file and burst, not {case!r}"
    raise SystemExit(message)


if __name__ == "__main__":
    main()
