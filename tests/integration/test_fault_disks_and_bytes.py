"""`make faults-disk-full` and `make faults-fuzz` in short: no process ends, and no row is lost."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.faults import case_disk_full, case_fuzz
from tests.faults.cases import Options

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def quick(**settings: str) -> Options:
    return Options(quick=True, settings={"RATE": "200", **settings})


def test_nothing_is_lost_while_a_disk_is_full(tmp_path: Path) -> None:
    if not may_mount(tmp_path):
        pytest.skip("small file systems cannot be mounted here")
    (figures,) = case_disk_full.run(quick(FULL_SECONDS="2"))
    assert figures["problems"] == []


def test_hostile_lines_and_payloads_end_no_process_and_cost_no_reading() -> None:
    options = quick(LINES="3000", OVER_MQTT="1000", PAYLOADS="5000")
    (figures,) = case_fuzz.run(options)
    assert figures["problems"] == [], f"seed {options.seed}"


def may_mount(folder: Path) -> bool:
    if os.geteuid() != 0:
        return False
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "citywx-tests", str(folder)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        return False
    subprocess.run(["umount", str(folder)], check=True)
    return True
