"""What a run leaves behind: a table on the screen, `results/NAME.json`, and `RESULTS.md`."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.contenders import Peer
from benchmarks.figures import Figure
from citywx.local_stack.broker import find_mosquitto

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
_HOW = (
    "Written by `make bench-streaming`. Everyone is measured in turn in one run, and a figure is"
    " the median over the rounds. Subscribers are `mosquitto_sub`, which stamps arrivals. Take"
    " ratios, not absolute figures."
)


def show(figures: Sequence[Figure]) -> None:
    """Print figures as a table."""
    for one in figures:
        told = f"{one.case:62} {one.metric:16} {one.ours:>12,.2f} {one.unit:8}"
        if one.peer_value is not None:
            told += f" {one.peer}: {one.peer_value:,.2f}{_times(one)}"
        print(told, flush=True)


def report(
    name: str, case: str, figures: Sequence[Figure], peers: Sequence[Peer], *, quick: bool
) -> None:
    """Put the figures of one case in the place of its earlier ones."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    kept = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    rows = [row for row in kept if row["group"] != case]
    rows += [{"group": case, "quick": quick, **one.row()} for one in figures]
    body = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "versions": _versions(peers),
        "rows": rows,
    }
    path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", "utf-8")
    (FOLDER / "RESULTS.md").write_text(_markdown(body, rows), "utf-8")


def _markdown(body: dict[str, object], rows: Sequence[dict[str, object]]) -> str:
    about = "; ".join(f"{key} {value}" for key, value in _flat(body).items())
    lines = [
        "# Results",
        "",
        _HOW,
        "",
        f"{body['date']}: {about}.",
        "",
        "| case | metric | ours | peer | peer's | ratio |",
        "|---|---|---:|---|---:|---:|",
    ]
    for row in rows:
        short = " (QUICK)" if row["quick"] else ""
        lines.append(
            f"| {row['case']}{short} | {row['metric']} | {_number(row['ours'])} {row['unit']}"
            f" | {row['peer'] or ''} | {_number(row['peer_value'])} | {_number(row['ratio'])} |"
        )
    return "\n".join(lines) + "\n"


def _flat(body: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for part in (body["machine"], body["versions"]):
        if isinstance(part, dict):
            found |= part
    return found


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _times(one: Figure) -> str:
    return f"  (× {one.ours / one.peer_value:.2f})" if one.peer_value else ""


def _machine() -> dict[str, object]:
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in _read("/proc/cpuinfo").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"CPU": cpu, "cores": os.cpu_count(), "GiB": round(pages / 2**30)}


def _versions(peers: Sequence[Peer]) -> dict[str, str]:
    found = {"Linux": platform.release(), "Python": platform.python_version()}
    found |= {name: version(name) for name in ("paho-mqtt", "watchdog", "msgspec")}
    found["Mosquitto"] = _told([find_mosquitto() or "mosquitto", "-h"]).split()[2]
    if shutil.which("node"):
        found["Node.js"] = _told(["node", "--version"])
    for peer in peers:
        if peer.package is not None:
            found["mqtt.js"] = json.loads(peer.package.read_text("utf-8"))["version"]
    return found


def _told(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip().split("\n")[0]


def _read(path: str) -> str:
    return Path(path).read_text("utf-8") if Path(path).exists() else ""
