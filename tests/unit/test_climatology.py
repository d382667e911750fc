import json

import numpy as np
import pandas as pd

from citywx.weather.climatology import Climatology, learn_climatology
from citywx.weather.reading import MEASURES


def spring(days: int, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    night = (hours % 24) < 6
    noise = np.where(night, 0.2, 1.0)
    return pd.DataFrame(
        {
            "timestamp": pd.date_range("2026-04-01", periods=24 * days, freq="h", tz="UTC"),
            "temperature_c": 10
            - 6 * np.cos(2 * np.pi * hours / 24)
            + rng.normal(0, 1, len(hours)) * noise,
            "humidity": 60 + rng.normal(0, 3, len(hours)),
            "pressure": 1012 + rng.normal(0, 4, len(hours)),
            "wind_speed": np.abs(rng.normal(3, 1, len(hours))),
        }
    )


def test_each_month_is_learnt_with_its_neighbours_and_others_stay_unknown() -> None:
    usual = learn_climatology(spring(30))
    known = np.flatnonzero(~np.isnan(usual.low["temperature_c"]))
    assert list(known) == [2, 3, 4]
    assert usual.low["temperature_c"][3] < 4
    assert usual.high["temperature_c"][3] > 16


def test_changes_have_a_usual_size_and_way_by_the_hour() -> None:
    usual = learn_climatology(spring(60))
    roughness = usual.roughness["temperature_c"][3]
    assert roughness[3] < roughness[13] / 2
    assert usual.trend[3, 12] < -usual.trend[3, 23] * 10
    assert usual.trend[3, 6] > 1


def test_too_few_readings_teach_nothing() -> None:
    usual = learn_climatology(spring(9))
    assert np.isnan(usual.high["pressure"]).all()
    assert np.isnan(usual.roughness["humidity"]).all()


def test_a_few_faults_do_not_widen_what_is_usual() -> None:
    history = spring(60)
    history.loc[[200, 900], "temperature_c"] = 400.0
    assert learn_climatology(history).high["temperature_c"][3] < 40


def test_the_order_of_readings_does_not_matter() -> None:
    history = spring(30)
    assert learn_climatology(history).to_json() == learn_climatology(history[::-1]).to_json()


def test_a_climatology_survives_storage() -> None:
    for usual in (learn_climatology(spring(30)), Climatology.unknown()):
        stored = json.loads(json.dumps(usual.to_json(), allow_nan=False))
        assert Climatology.from_json(stored).to_json() == usual.to_json()


def test_a_measure_that_nobody_reports_stays_unknown() -> None:
    usual = learn_climatology(spring(30).assign(humidity=np.nan, wind_speed=np.nan))
    assert np.isnan(usual.roughness["humidity"]).all()
    assert set(usual.low) <= set(MEASURES)
