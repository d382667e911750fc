"""The evaluation of quality control, on weather that is made up."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluations.faults import FAULTS, Fault, plant
from evaluations.quality import main
from evaluations.scoring import recall

HOURS = 24 * 120


def readings() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    hours = np.arange(HOURS)
    day = 2 * np.pi * hours / 24
    slow = np.cumsum(rng.normal(0, 0.3, HOURS))
    temperature = -6 + 4 * np.sin(day) + 2 * np.sin(day / 11) + rng.normal(0, 0.3, HOURS)
    return pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-01-01", periods=HOURS, freq="h", tz="UTC", unit="us"),
            "city": "Oslo",
            "temperature_c": np.round(temperature, 2),
            "humidity": np.round(60 - 12 * np.sin(day) + rng.normal(0, 2, HOURS)),
            "pressure": np.round(1010 + slow - slow.mean()),
            "wind_speed": np.round(np.abs(4 + rng.normal(0, 1, HOURS))),
            "weather": "clear",
            "source": "first",
        }
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_changes_its_own_rows_and_no_others(fault: Fault) -> None:
    true = readings()
    planted = plant(true, fault, 3, np.random.default_rng(1))
    assert planted.faulty.any()
    assert not (planted.faulty & ~planted.touched).any()
    for name in ("temperature_c", "humidity", "pressure", "wind_speed"):
        changed = planted.readings[name].ne(true[name]).to_numpy()
        assert not (changed & ~planted.touched).any()
        assert name in fault.measures or not changed.any()


def test_the_same_seed_plants_the_same_and_another_elsewhere() -> None:
    first, again, other = (
        plant(readings(), FAULTS[0], 3, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert list(first.faulty) == list(again.faulty)
    assert list(first.faulty) != list(other.faulty)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_faults_in_quiet_weather_are_found(fault: Fault) -> None:
    one = recall([readings()], fault, [1])
    assert one.rows > 0
    assert one.share >= min(fault.least_recall, 0.75)


def test_the_command_prints_what_is_flagged_and_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "readings.csv"
    readings().drop(columns="source").to_csv(log, index=False)
    main([str(log), "--seeds", "1", "--json", str(tmp_path / "result.json")])
    shown = capsys.readouterr().out
    assert "| Oslo | 2880 |" in shown
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert [row["fault"] for row in result["recall"]] == [fault.name for fault in FAULTS]
    assert result["flagged"][0]["doubted"] < 0.02
