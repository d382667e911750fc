"""The evaluation of the anomaly score, on weather that is made up."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluations.anomalies import main, missed
from evaluations.anomaly_faults import (
    KINDS,
    LASTS_HOURS,
    Kind,
    Series,
    gated,
    plant,
    read_series,
    second_source,
)
from evaluations.anomaly_peers import residuals, rolling_z
from evaluations.anomaly_runs import Found, Outcome, Run, auc, cases, judged
from tests.support.hourly_weather import BEGIN, Floats, hourly_weather

DAYS = 125
FIRST = 90 * 24


def series(city: str, seed: int = 1) -> Series:
    times = pd.date_range(BEGIN, periods=DAYS * 24, freq="h")
    return Series(city, times, hourly_weather(DAYS, seed))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_planted_fault_lasts_a_day_and_changes_nothing_else(kind: Kind) -> None:
    own, other = series("Oslo"), series("Bergen", 2)
    planted = plant(own, [other], kind, FIRST, np.random.default_rng(1))
    changed = (planted.measured != own.measured).any(axis=1)
    assert planted.events()
    assert all(event.stop - event.start == LASTS_HOURS for event in planted.events())
    assert not (changed & ~planted.faulty).any()
    assert all(changed[event].sum() >= LASTS_HOURS - 4 for event in planted.events())
    assert not planted.faulty[:FIRST].any()


def test_the_same_seed_plants_the_same_and_another_elsewhere() -> None:
    own, other = series("Oslo"), series("Bergen", 2)
    first, again, elsewhere = (
        plant(own, [other], KINDS[0], FIRST, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first.measured, again.measured)
    assert not np.array_equal(first.faulty, elsewhere.faulty)


def test_a_second_source_has_errors_that_last() -> None:
    own = series("Oslo")
    errors = second_source(own, np.random.default_rng(1)).measured[:, 0] - own.measured[:, 0]
    assert errors.std() == pytest.approx(1.0, abs=0.2)
    assert np.corrcoef(errors[1:], errors[:-1])[0, 1] > 0.8


def test_the_gate_takes_out_a_pressure_that_jumped_to_another_level() -> None:
    own = series("Oslo")
    own.measured[500:502, 2] += 15
    assert np.isnan(gated(own)[500:502, 2]).all()


def test_an_alarm_that_is_there_without_the_fault_finds_nothing() -> None:
    case = cases([series("Oslo"), series("Bergen", 2)], 1, KINDS[:1])[0]

    def always(_case: object) -> object:
        return lambda values: Run(np.ones(len(values)), np.zeros(len(values)))

    outcome = judged("always", [case], always, KINDS[:1])
    assert outcome.found[0].seen == 0
    assert outcome.found[0].auc == 0.5
    assert outcome.by_chance == 1


def test_an_area_under_the_curve_is_the_chance_of_the_right_order() -> None:
    assert auc(np.array([0.0, 0, 0]), np.array([1.0])) == 1
    assert auc(np.array([0.0, np.nan, 2.0]), np.array([1.0, np.nan])) == 0.5


def test_missed_goals_are_named() -> None:
    found = tuple(Found(kind, 0.9, 100, 50) for kind in KINDS)
    assert missed(Outcome("one", (1.0,), 0.0, found), compared=False) == [KINDS[0].name]
    assert len(missed(Outcome("one", (2.0,), 0.0, found), compared=True)) == len(KINDS) + 1


def test_what_peers_look_at_has_no_gaps() -> None:
    values: Floats = hourly_weather(20)
    values[50:60, 1] = np.nan
    assert np.isfinite(residuals(values)).all()
    assert np.isfinite(rolling_z(values)).all()


def test_the_table_holds_all_ways_and_kinds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"timestamp": time, "city": one.city, "temperature_c": t, "humidity": h, "pressure": p}
        | {"wind_speed": w, "weather": ""}
        for one in (series("Oslo"), series("Bergen", 2))
        for time, (t, h, p, w) in zip(one.times, one.measured.tolist(), strict=True)
    ]
    file, result = tmp_path / "year.csv", tmp_path / "result.json"
    pd.DataFrame(rows).to_csv(file, index=False)
    assert [one.city for one in read_series(pd.read_csv(file))] == ["Bergen", "Oslo"]
    main([str(file), "--seeds", "1", "--cities", "Oslo", "--json", str(result)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "ours, alone",
        "ours, beside a second source",
        "ours, beside the other cities",
    ]
    assert all(kind.name in lines[0] for kind in KINDS)
    assert len(json.loads(result.read_text())[0]["found"]) == len(KINDS)
