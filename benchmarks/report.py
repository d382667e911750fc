"""The results: `benchmarks/results/NAME.json`, and a section of `benchmarks/RESULTS.md`.

A run of some cases replaces their figures and leaves those of the others.
"""

import json
import os
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from benchmarks.figures import Figure

_FOLDER = Path(__file__).parent
_DOCUMENT = _FOLDER / "RESULTS.md"
_TITLE = "# Results\n\nWritten by `make bench-NAME`.\n"
Row = dict[str, object]


def asked_cases(known: Collection[str]) -> list[str]:
    """The cases that CASES names, by default all; SystemExit where one is unknown."""
    asked = (os.environ.get("CASES") or ",".join(known)).split(",")
    if unknown := set(asked) - set(known):
        message = f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(known)}"
        raise SystemExit(message)
    return asked


def merge(name: str, part: str, run: Row, figures: Sequence[Figure], about: Row) -> Row:
    """Put the figures of one part of a benchmark into its results file; the file's content.

    `run`: how this part was run; `about`: what all of it was run on.
    """
    path = _FOLDER / "results" / f"{name}.json"
    body: Row = json.loads(path.read_bytes()) if path.exists() else {}
    known, parts = body.get("rows", []), body.get("parts", {})
    if not isinstance(known, list) or not isinstance(parts, dict):
        message = f"{path} holds no results: delete it"
        raise SystemExit(message)
    old = parts.get(part, {}).get("cases", [])
    date = datetime.now(UTC).isoformat(timespec="seconds")
    parts[part] = {"date": date, **run, "cases": sorted({figure.case for figure in figures})}
    rows = [row for row in known if row["case"] not in old] + [one.row() for one in figures]
    body = {"name": name, "date": date, **about, "parts": parts, "rows": rows}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return body


def tables(rows: Iterable[Row]) -> str:
    """A table a case: its metrics below each other, ours and every peer's beside each other."""
    made = []
    for case, found in groupby(rows, key=lambda row: row["case"]):
        made.append(f"**{case}**\n\n{_table(list(found))}")
    return "\n\n".join(made)


def headline(rows: Iterable[Row], peers: Sequence[str]) -> str:
    """The medians, rates and losses beside the given peers, one a line."""
    lines = [["figure", "ours", "peer", "", "ratio"]]
    for row in rows:
        if row["metric"] in {"p50", "p99", "rate", "lost"} and row["peer"] in peers:
            ratio = f"{row['ratio']:.2f}" if isinstance(row["ratio"], float) else ""
            ours, theirs = _number(row["ours"]), _number(row["peer_value"])
            figure = f"{row['case']}: {row['metric']}, {row['unit']}"
            lines.append([figure, ours, str(row["peer"]), theirs, ratio])
    return _aligned(lines)


def write_section(heading: str, text: str) -> None:
    """Replace or add a section of RESULTS.md."""
    document = _DOCUMENT.read_text("utf-8") if _DOCUMENT.exists() else _TITLE
    begin = f"\n## {heading}\n"
    before, found, rest = document.partition(begin)
    _, next_heading, after = rest.partition("\n## ") if found else ("", "", "")
    _DOCUMENT.write_text(f"{before}{begin}\n{text.strip()}\n{next_heading}{after}", "utf-8")


def _table(rows: Sequence[Row]) -> str:
    peers = list(dict.fromkeys(str(row["peer"]) for row in rows if row["peer"] is not None))
    lines = [["", "", "ours", *peers]]
    for metric in dict.fromkeys(str(row["metric"]) for row in rows):
        found = {str(row["peer"]): row for row in rows if row["metric"] == metric}
        first = next(iter(found.values()))
        theirs = [_beside(found[peer]) if peer in found else "" for peer in peers]
        lines.append([metric, str(first["unit"]), _number(first["ours"]), *theirs])
    return _aligned(lines)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    text = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([text[0], rule, *text[1:]])


def _beside(row: Row) -> str:
    ratio = f" (× {row['ratio']:.2f})" if isinstance(row["ratio"], float) else ""
    return _number(row["peer_value"]) + ratio


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return ""
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"
