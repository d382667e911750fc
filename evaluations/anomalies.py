"""How well the anomaly score finds faults that stay inside the ordinary ranges.

    python -m evaluations.anomalies FILE… [--seeds 3] [--cities A,B] [--peers] [--json FILE]

Each FILE is a staging CSV with hourly readings of about a year, gzipped or not. The first three
months are history; each month after them is judged by what was learnt from all before it. Faults
last 24 hours, and only alarms inside these hours count that are not there without the fault.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from evaluations.anomaly_faults import KINDS, Series, read_series, second_source
from evaluations.anomaly_ours import Neighbours, Ours
from evaluations.anomaly_peers import PEERS
from evaluations.anomaly_runs import Outcome, cases, judged

CHOSEN_ON = {
    "backtest_dev": ("Atlanta", "Denver", "Miami", "Portland"),
    "second_dev": ("Dallas", "Detroit", "Haifa", "Nashville"),
}
"""The cities on which channels and weights were chosen, by file."""
MOST_FALSE_ALARMS = 1.2  # a city and month


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 where our score misses a goal."""
    options = _options(arguments)
    read = [own for file in options.files for own in read_series(pd.read_csv(file))]
    chosen = options.cities.split(",") if options.cities else [own.city for own in read]
    all_cases = cases(read, options.seeds)
    judged_cases = [case for case in all_cases if case.series.city in chosen]
    series, wanted = ([case.series for case in some] for some in (all_cases, judged_cases))
    kinds = [kind.name for kind in KINDS]
    print("| method | false alarms | by chance | " + " | ".join(kinds) + " |")
    print("|---" * (len(kinds) + 3) + "|")
    outcomes = []
    for name, neighbours in _ways(series, wanted).items():
        ours = Ours(wanted, neighbours)
        outcomes.append(judged(name, judged_cases, ours))
        print(row_of(outcomes[-1]), flush=True)
    for name, peer in PEERS.items() if options.peers else ():
        outcomes.append(judged(name, judged_cases, peer))
        print(row_of(outcomes[-1]), flush=True)
    if options.json:
        found = [as_json(outcome) for outcome in outcomes]
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return int(bool(missed(outcomes[0], compared=False) or missed(outcomes[1], compared=True)))


def row_of(outcome: Outcome) -> str:
    """One method: of each kind of fault AUC and recall."""
    cells = [f"{found.auc:.2f}; {found.recall:.2f}" for found in outcome.found]
    rate = f"{np.mean(outcome.false_alarms):.2f} (at most {max(outcome.false_alarms):.1f})"
    return f"| {outcome.method} | {rate} | {outcome.by_chance:.3f} | {' | '.join(cells)} |"


def as_json(outcome: Outcome) -> dict[str, object]:
    """The same for machines."""
    return {
        "method": outcome.method,
        "false_alarms": list(outcome.false_alarms),
        "by_chance": outcome.by_chance,
        "found": [
            {"kind": one.kind.name, "auc": one.auc, "events": one.events, "recall": one.recall}
            for one in outcome.found
        ],
    }


def missed(outcome: Outcome, *, compared: bool) -> list[str]:
    """The kinds whose goals are missed, and `false alarms`."""
    kinds = [
        found.kind.name
        for found in outcome.found
        if found.auc < found.kind.least_auc
        or found.recall
        < (found.kind.least_recall_compared if compared else found.kind.least_recall)
    ]
    rare = float(np.mean(outcome.false_alarms)) <= MOST_FALSE_ALARMS
    return kinds if rare else [*kinds, "false alarms"]


def _ways(series: Sequence[Series], wanted: Sequence[Series]) -> dict[str, Neighbours]:
    """Each city alone, beside another source of its own weather, and beside the other cities."""
    return {
        "ours, alone": {},
        "ours, beside a second source": {
            own.city: [(f"{own.city} (second)", second_source(own, np.random.default_rng(place)))]
            for place, own in enumerate(wanted)
        },
        "ours, beside the other cities": {
            own.city: [(other.city, other) for other in series if other is not own]
            for own in wanted
        },
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evaluations.anomalies")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cities", help="names, with commas; by default all")
    parser.add_argument("--peers", action="store_true", help="needs the extra `evaluation`")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
