"""The evaluation of alert noise, on weather that is made up."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluations.alert_noise import main
from evaluations.pressure_falls import Span, falls, flips, smooth_falls

HOURS = 24 * 30
FALL_AT = 200


def pressures(*, jumping: bool = False) -> np.ndarray:
    hours = np.arange(HOURS)
    calm = 1012 + 3 * np.sin(2 * np.pi * hours / 48)
    calm[FALL_AT:] -= np.clip(2 * (hours[FALL_AT:] - FALL_AT), 0, 12)
    if jumping:
        calm[100:104] -= 9
        calm[400:403] -= 15
    rounded: np.ndarray = np.round(calm)
    return rounded


def log(path: Path, *, jumping: bool) -> str:
    pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-05-01", periods=HOURS, freq="h", tz="UTC"),
            "city": "Oslo",
            "temperature_c": 22 + 5 * np.sin(2 * np.pi * np.arange(HOURS) / 24),
            "humidity": 60,
            "pressure": pressures(jumping=jumping),
            "wind_speed": 3,
            "weather": "clear",
        }
    ).to_csv(path, index=False)
    return str(path)


def test_falls_near_each_other_are_one_and_jumps_are_not_smooth() -> None:
    [fall] = falls(pressures())
    assert FALL_AT < fall.first < fall.last < FALL_AT + 12
    jumped = pressures(jumping=True)
    assert len(falls(jumped)) == 3
    assert smooth_falls(jumped) == [fall]


def test_a_flip_is_how_far_the_level_is_off() -> None:
    off = flips(pressures(jumping=True))
    assert [*np.unique(off)] == [-15, -9, 0]
    assert [*np.flatnonzero(off)] == [*range(100, 104), *range(400, 403)]
    assert not flips(pressures()).any()


@pytest.mark.parametrize(("late", "meets"), [(0, False), (2, True)])
def test_a_span_may_be_met_late(late: float, *, meets: bool) -> None:
    assert Span(3, 5).meets(Span(7, 9), late=late) is meets


def test_the_command_counts_alerts_and_what_they_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "result.json"
    arguments = [log(tmp_path / "dirty.csv", jumping=True), "--json", str(result)]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "1 cities, 1 months, 1 smooth falls" in shown
    found = {(row["rule"], row["gate"]): row for row in json.loads(result.read_text("utf-8"))}
    assert found["3.6 hPa in 3 h", False]["alerts"] == pytest.approx(3 / (HOURS / 730.5))
    shipped = found["clear 1.6, max_step 3", True]
    assert shipped["alerts"] == pytest.approx(1 / (HOURS / 730.5))
    assert shipped["kept"] == 1


def test_planted_flips_are_told_from_falls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "result.json"
    clean, dirty = log(tmp_path / "clean.csv", jumping=False), log(tmp_path / "d.csv", jumping=True)
    main([clean, "--flips", dirty, "--cities", "even", "--json", str(result)])
    assert "not known" not in capsys.readouterr().out
    found = {(row["rule"], row["gate"]): row for row in json.loads(result.read_text("utf-8"))}
    assert found["3.6 hPa in 3 h", False]["unfounded"] > 0
    assert found["clear 1.6, max_step 3", True]["unfounded"] == 0
