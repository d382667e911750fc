"""What a figure was measured on: the machine and the versions of everything that took part."""

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import psutil

from citywx.local_stack.broker import find_mosquitto


def machine() -> dict[str, object]:
    """The machine, as the results file holds it."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.system(),
        "kernel": platform.release(),
    }


def versions(packages: Iterable[Path]) -> dict[str, str]:
    """Versions by name; `packages`: package.json files of what npm installed."""
    found = {"python": platform.python_version()}
    found |= {name: version(name) for name in ("paho-mqtt", "watchdog")}
    found["mosquitto"] = _said_by(find_mosquitto(), "-h")
    found["node"] = _said_by(shutil.which("node"), "--version")
    for path in packages:
        about = json.loads(path.read_bytes())
        found[str(about["name"])] = str(about["version"])
    return {name: number for name, number in found.items() if number}


def _said_by(program: str | None, option: str) -> str:
    """The first version number that a program prints; empty where there is none."""
    if program is None:
        return ""
    result = subprocess.run([program, option], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+\.\d+", result.stdout + result.stderr)
    return found[0] if found else ""


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except FileNotFoundError:
        return platform.processor()
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.processor()
