"""How well quality control finds faults, and what it flags that has none.

    python -m evaluations.quality FILE… [--seeds 20] [--cities all|chosen|unseen] [--json FILE]

Each FILE is a staging CSV, gzipped or not. Faults are planted at random into each city's readings;
recall is counted per kind, never pooled: the mix of kinds would rule a pooled figure.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from evaluations.faults import FAULTS
from evaluations.scoring import FlaggedShare, Recall, flagged_share, recall

CHOSEN_ON = frozenset(
    {
        *("Atlanta", "Denver", "Jacksonville", "Los Angeles", "Miami", "Phoenix", "Portland"),
        *("Seattle", "Boston", "Detroit", "Las Vegas", "Nashville"),
    }
)
"""The cities whose readings were looked at when the limits were chosen."""


def main(arguments: Sequence[str]) -> int:
    """Print the tables; 1 where a goal is missed."""
    options = _options(arguments)
    cities = [city for file in options.files for city in read_cities(file)]
    cities = [city for city in cities if _wanted(city, options.cities)]
    shares = [flagged_share(city) for city in cities]
    print(flagged_table(shares))
    found = []
    print(f"\n| {'planted':32} | rows | recall | goal |\n|---|---|---|---|")
    for fault in FAULTS:
        found.append(recall(cities, fault, range(options.seeds)))
        print(recall_row(found[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(as_json(shares, found), indent=2) + "\n", "utf-8")
    return int(any(one.share < one.fault.least_recall for one in found))


def read_cities(file: Path) -> Iterator[pd.DataFrame]:
    """Each city's readings in a staging CSV, in the order of time, as one source."""
    readings = pd.read_csv(file)
    readings["timestamp"] = pd.to_datetime(readings["timestamp"], utc=True)
    for _, city in readings.assign(source="first").groupby("city"):
        yield city.sort_values("timestamp").reset_index(drop=True)


def flagged_table(shares: Sequence[FlaggedShare]) -> str:
    """What is flagged of the readings as they are."""
    lines = [
        "| city | rows | T, humidity, wind | pressure alone | why |",
        "|---|---|---|---|---|",
        *(
            f"| {one.city} | {one.rows} | {one.doubted:.2%} | {one.pressure:.2%} "
            f"| {', '.join(f'{name} {share:.2%}' for name, share in one.flags.items())} |"
            for one in shares
        ),
    ]
    rows = sum(one.rows for one in shares)
    doubted = sum(one.doubted * one.rows for one in shares) / rows
    return "\n".join([*lines, f"| all | {rows} | {doubted:.2%} | | |"])


def recall_row(one: Recall) -> str:
    """One kind of fault."""
    return f"| {one.fault.name:32} | {one.rows} | {one.share:.3f} | {one.fault.least_recall:.2f} |"


def as_json(shares: Sequence[FlaggedShare], found: Sequence[Recall]) -> dict[str, object]:
    """The same for machines."""
    return {
        "flagged": [
            {"city": one.city, "rows": one.rows, "doubted": one.doubted, "flags": one.flags}
            for one in shares
        ],
        "recall": [
            {
                "fault": one.fault.name,
                "rows": one.rows,
                "recall": one.share,
                "goal": one.fault.least_recall,
                "others_flagged": one.others_flagged / max(one.others, 1),
            }
            for one in found
        ],
    }


def _wanted(city: pd.DataFrame, which: str) -> bool:
    chosen = city["city"].iloc[0] in CHOSEN_ON
    return which == "all" or chosen == (which == "chosen")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evaluations.quality")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--cities", choices=("all", "chosen", "unseen"), default="all")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
