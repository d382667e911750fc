"""`citywx alerts check`."""

import json
from pathlib import Path

from typer.testing import CliRunner

from citywx.cli import app

SHIPPED = Path(__file__).parents[2] / "alerts.toml"


def test_the_shipped_rules_are_listed() -> None:
    told = CliRunner().invoke(app, ["alerts", "check", str(SHIPPED)])
    assert told.exit_code == 0
    assert "above-23" in told.stdout
    assert "nothing wrong" in told.stdout


def test_a_machine_reads_what_each_rule_watches() -> None:
    told = CliRunner().invoke(app, ["alerts", "check", str(SHIPPED), "--json"])
    heat = next(rule for rule in json.loads(told.stdout) if rule["id"] == "heat")
    assert heat["severities"] == ["warning", "severe"]
    assert heat["watches"] == "temperature_c at least 35 / 40 °C"


def test_a_mistake_is_one_line_with_file_line_rule_and_key(tmp_path: Path) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text('[[rule]]\nid = "a"\nmetric = "rain"\n')
    told = CliRunner().invoke(app, ["alerts", "check", str(path)])
    assert told.exit_code == 2
    assert f"{path}: line 3: rule 'a': metric must be one of" in told.stderr
