"""What `citywx inspect` makes of files."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from citywx.cli import app
from citywx.inspection import NotReadableError, inspect_file

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
HEADER = b"timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"
ROW = b"2026-03-01T00:00:00Z,Oslo,1,90,1000,2,snow\n"

BAD = Path(__file__).resolve().parents[3] / "shared" / "data" / "bad"
BAD_FILES = sorted(BAD.glob("*.csv"))


def test_a_file_with_good_bad_double_and_unfinished_lines(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_bytes(HEADER + ROW + ROW + b"nonsense\n" + ROW.replace(b"00Z", b"01Z") + b"2026-")
    found = inspect_file(file, earliest=EARLIEST)
    assert found.as_json() == {
        "accepted": 2,
        "duplicates": 1,
        "rejected": [{"offset": len(HEADER + ROW + ROW), "reason": "expected 7 fields, got 1"}],
        "pending_tail": True,
    }


def test_a_file_larger_than_one_read_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    rows = [ROW.replace(b"Oslo", b"City %d" % number) for number in range(40_000)]
    file.write_bytes(HEADER + b"".join(rows))
    assert inspect_file(file, earliest=EARLIEST).accepted == len(rows)


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_what_is_no_file_is_said_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotReadableError, match="not there"):
        inspect_file(tmp_path / name, earliest=EARLIEST)


def test_the_command_prints_json_for_machines(tmp_path: Path) -> None:
    file = tmp_path / "readings.csv"
    file.write_bytes(HEADER + ROW)
    result = CliRunner().invoke(app, ["inspect", str(file), "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["accepted"] == 1


def test_the_command_says_plainly_that_a_file_is_absent(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["inspect", str(tmp_path / "absent.csv")])
    assert result.exit_code == 2
    assert result.stderr.startswith("citywx: ")
    assert "Traceback" not in result.output


if BAD_FILES:  # collected where the recorded data lies beside the project

    @pytest.mark.parametrize("file", BAD_FILES, ids=lambda file: file.stem)
    def test_each_collected_bad_file_gives_its_expected_counts(file: Path) -> None:
        expected = json.loads((BAD / "expected.json").read_text("utf-8"))[file.name]
        found = inspect_file(file, earliest=EARLIEST)
        counts = (found.accepted, len(found.rejected), found.pending_tail)
        assert counts == (expected["accept"], expected["reject"], bool(expected["pending_tail"]))
