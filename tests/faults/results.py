"""`benchmarks/results/faults.json`: the rows of every case, and for which code they hold."""

import json
import os
import platform
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.cases import Figures

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "faults.json"
_CODE = ("citywx", "streaming", "tests/faults", "alerts.toml", "notices.toml", "requirements.lock")
"""What a result depends on."""


def code_version() -> str:
    """The git tree hash of the code as it lies there, committed or not."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "GIT_INDEX_FILE": str(Path(folder) / "index")}
        for words in (("add", "--", *_CODE), ("write-tree",)):
            done = subprocess.run(
                ["git", *words], cwd=ROOT, env=environment, check=True, capture_output=True
            )
        return done.stdout.decode().strip()


def rows_of(case: str, version: str, *, quick: bool) -> list[Figures]:
    """The rows that the case already has for this code."""
    key = (case, version, quick)
    return [row for row in _load() if (row["case"], row["code"], row["quick"]) == key]


def save(case: str, version: str, rows: list[Figures], *, quick: bool) -> None:
    """Put the rows of a case in place of its older ones."""
    about = {
        "code": version,
        "quick": quick,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform()},
    }
    others = [row for row in _load() if (row["case"], row["quick"]) != (case, quick)]
    made = [{"case": case, **row, **about} for row in rows]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    temporary = RESULTS.with_name(RESULTS.name + ".new")
    temporary.write_text(json.dumps({"rows": others + made}, indent=2) + "\n", "utf-8")
    temporary.replace(RESULTS)


def _load() -> list[dict[str, Any]]:
    if not RESULTS.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_bytes())["rows"]
    return rows
