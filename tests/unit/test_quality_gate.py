"""Quality control of readings as they come, held against the batch layer's."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywx.weather.alerting.quality_gate.gate import Checked, QualityGate
from citywx.weather.alerting.quality_gate.norms import CityNorms
from citywx.weather.climatology import Climatology, learn_climatology
from citywx.weather.quality.flags import DOUBTS, SEVERITIES, QcFlag, Severity, bits, flag_names
from citywx.weather.quality.limits import Limits
from citywx.weather.quality.observations import Observations
from citywx.weather.quality.sources import observations, split_sources
from citywx.weather.quality.suite import run_tests
from citywx.weather.reading import MEASURES, Reading
from evaluations.quality import read_cities
from tests.support.faulty_weather import AT, FAULTS, ordinary

START = datetime(2026, 5, 10, tzinfo=UTC)
REAL_FILES = [
    path
    for name in ("backtest_dev.csv.gz", "second_dev.csv.gz")
    if (path := Path(__file__).resolve().parents[3] / "shared" / "data" / name).exists()
]

NEEDS_LATER = {
    *(flag for flag in QcFlag if flag.name.endswith("_SPIKE")),
    *(QcFlag.PRESSURE_LEVEL, QcFlag.PRESSURE_STEP),
}
NEEDS_ANOTHER = {flag for flag in QcFlag if "DISAGREE" in flag.name}
NO_DOUBT = {flag for flag in QcFlag if not DOUBTS[flag]}
PROMPT = [f for f in QcFlag if f not in NEEDS_LATER | NEEDS_ANOTHER | NO_DOUBT]
"""The flags that no later reading and no other series is needed for."""


def norms(climatology: Climatology) -> CityNorms:
    return CityNorms.from_json(json.loads(json.dumps(climatology.to_json())))


def readings(seen: Observations) -> Iterator[Reading]:
    table = [seen.measures[name] for name in MEASURES]
    for hours, rain, *values in zip(seen.hours, seen.rain, *table, strict=True):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=float(hours))
        known = [None if np.isnan(value) else float(value) for value in values]
        yield Reading(at, "Oslo", *known, weather="light rain" if rain else None)


def gate_for(seen: Observations) -> QualityGate:
    return QualityGate({"Oslo": norms(seen.climatology)}, seen.limits)


def until(seen: Observations, stop: int) -> Observations:
    return replace(
        seen,
        hours=seen.hours[:stop],
        months=seen.months[:stop],
        measures={name: values[:stop] for name, values in seen.measures.items()},
        rain=seen.rain[:stop],
        delay_hours=seen.delay_hours[:stop],
        others={name: values[:stop] for name, values in seen.others.items()},
        nearby_c=seen.nearby_c[:stop],
    )


def said_of(checked: Checked) -> tuple[str, ...]:
    """Only what the batch layer says as promptly."""
    return flag_names(bits({*checked.flags} & {*PROMPT}))


@pytest.mark.parametrize("flag", PROMPT, ids=lambda flag: flag.name)
def test_it_says_what_the_batch_layer_says_of_the_newest_reading(flag: QcFlag) -> None:
    seen = FAULTS[flag]
    checked = [*map(gate_for(seen).check, readings(seen))]
    rows = [AT + n for n in (-1, 0, 1, 5, 8, 16, 18, 30)]
    batch = [flag_names(run_tests(until(seen, row + 1))[-1] & bits(PROMPT)) for row in rows]
    assert [said_of(checked[row]) for row in rows] == batch
    assert any(flag.name in names for names in batch)


@pytest.mark.parametrize("flag", PROMPT, ids=lambda flag: flag.name)
def test_what_the_batch_layer_fails_is_failed_and_what_it_doubts_is_suspect(flag: QcFlag) -> None:
    seen = FAULTS[flag]
    found = [one for one in map(gate_for(seen).check, readings(seen)) if flag in one.flags]
    assert found
    for one in found:
        for measure in DOUBTS[flag]:
            told = one.failed if SEVERITIES[flag] is Severity.FAIL else one.suspect
            assert measure in told
            assert (getattr(one.reading, measure) is None) == (
                measure in one.failed or (QcFlag.PRESSURE_LEVEL in one.flags)
            )
            assert getattr(one.raw, measure) is not None


@pytest.mark.parametrize("per_hour", [60, 6, 1])
def test_nothing_is_said_of_ordinary_weather_at_any_cadence(per_hour: int) -> None:
    seen = ordinary(per_hour)
    checked = [*map(gate_for(seen).check, readings(seen))]
    assert not any(one.flags for one in checked)
    assert all(one.reading is one.raw for one in checked)


def at(hour: float, **values: float) -> Reading:
    return Reading(START + timedelta(hours=hour), "Oslo", **values)  # type: ignore[arg-type]


def pressures(*values: float) -> list[Checked]:
    gate = QualityGate()
    return [gate.check(at(hour, pressure=value)) for hour, value in enumerate(values)]


def withheld(checked: Iterable[Checked]) -> str:
    return "".join("x" if one.reading.pressure is None else "." for one in checked)


def test_an_hour_in_fahrenheit_is_failed_alone() -> None:
    gate = QualityGate()
    checked = [gate.check(at(hour, temperature_c=t)) for hour, t in enumerate((4, 4.5, 40.3, 5, 5))]
    assert [one.failed.get("temperature_c") for one in checked] == [
        *(None, None, QcFlag.TEMPERATURE_FAHRENHEIT, None, None)
    ]
    assert [one.reading.temperature_c for one in checked] == [4, 4.5, None, 5, 5]


def test_only_a_step_that_no_weather_makes_is_failed_and_it_is_believed_when_it_stays() -> None:
    gate = QualityGate()
    values = (-25.0, 12.0, 12.0, 12.0, -3.0)
    checked = [gate.check(at(hour, temperature_c=t)) for hour, t in enumerate(values)]
    assert [one.reading.temperature_c for one in checked] == [-25, None, 12, 12, -3]
    assert checked[1].failed == {"temperature_c": QcFlag.TEMPERATURE_STEP}
    assert checked[4].suspect == {"temperature_c": QcFlag.TEMPERATURE_STEP}


def test_a_jump_of_a_spikes_size_is_suspect_until_the_next_reading() -> None:
    seen = FAULTS[QcFlag.TEMPERATURE_SPIKE]
    checked = [*map(gate_for(seen).check, readings(seen))]
    assert checked[AT].suspect == {"temperature_c": QcFlag.TEMPERATURE_SPIKE}
    assert checked[AT].reading.temperature_c is not None
    assert not checked[AT + 1].flags


@pytest.mark.parametrize(
    "flag", [QcFlag.TEMPERATURE_SPIKE, QcFlag.HUMIDITY_SPIKE, QcFlag.WIND_SPIKE]
)
def test_the_batch_layers_spikes_were_suspect_when_they_came(flag: QcFlag) -> None:
    seen = FAULTS[flag]
    checked = [*map(gate_for(seen).check, readings(seen))]
    for row in np.flatnonzero(run_tests(seen) & bits([flag])):
        assert flag in checked[row].flags


def test_a_new_level_of_pressure_is_kept_from_rules_until_it_comes_back_or_stays() -> None:
    assert withheld(pressures(1012, 1012, 997, 997, 1012, 1012)) == "..xx.."
    assert withheld(pressures(1012, 1012, 997, 997, 996, 996, 995)) == "..xxx.."


def test_a_flip_is_suspect_and_one_that_cannot_be_fails() -> None:
    assert pressures(1012, 1004)[1].suspect == {"pressure": QcFlag.PRESSURE_LEVEL}
    assert pressures(1012, 940)[1].failed == {"pressure": QcFlag.PRESSURE_STEP}
    assert pressures(1012, 29.9)[1].failed == {"pressure": QcFlag.PRESSURE_RANGE}


def test_a_storm_that_deepens_from_hour_to_hour_is_no_new_level() -> None:
    fallen = np.cumsum([1, 1, 2, 3, 5, 8, 12, 18])
    assert withheld(pressures(*(1010.0 - fallen))) == "........"


def test_after_an_outage_nothing_is_compared() -> None:
    gate = QualityGate()
    gate.check(at(0, temperature_c=30.0, humidity=20.0, pressure=1020.0, wind_speed=1.0))
    later = gate.check(at(5, temperature_c=3.0, humidity=90.0, pressure=990.0, wind_speed=20.0))
    assert later == Checked(later.raw, later.raw)


def test_a_reading_that_is_not_newer_is_handed_on_as_it_is() -> None:
    gate = QualityGate()
    gate.check(at(1, pressure=1012.0))
    before = gate.dump()
    for hour in (0, 1):
        old = at(hour, pressure=940.0)
        assert gate.check(old) == Checked(old, old)
    assert gate.dump() == before


def test_cities_are_kept_apart_and_missing_measures_change_nothing() -> None:
    gate = QualityGate()
    gate.check(at(0, pressure=1012.0))
    gate.check(at(0.5))
    other = at(1, pressure=850.0)._replace(city="Quito")
    assert gate.check(other).reading.pressure == 850.0
    assert gate.check(at(1, pressure=997.0)).reading.pressure is None


@pytest.mark.parametrize("flag", FAULTS, ids=lambda flag: flag.name)
def test_a_restart_changes_no_verdict(flag: QcFlag) -> None:
    seen = FAULTS[flag]
    rows = [*readings(seen)]
    whole = [*map(gate_for(seen).check, rows)]
    gate, parts = gate_for(seen), []
    for number, row in enumerate(rows):
        if number % 7 == 0:
            state = json.loads(json.dumps(gate.dump(), allow_nan=False))
            gate = gate_for(seen)
            gate.restore(state)
        parts.append(gate.check(row))
    assert parts == whole


@pytest.mark.parametrize(
    "state",
    [None, [], {"Oslo": None}, {"Oslo": []}, {"Oslo": ["a"] * 6}, {"Oslo": [[[]] * 6] * 6}],
    ids=repr,
)
def test_a_state_that_is_none_is_refused(state: object) -> None:
    with pytest.raises(ValueError, match="quality gate's state"):
        QualityGate().restore(state)


values = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32))


@given(st.lists(st.tuples(st.floats(0.001, 48), values, values, values, values), max_size=40))
def test_whatever_is_reported_it_gives_a_verdict_and_a_state(
    rows: list[tuple[float, float | None, float | None, float | None, float | None]],
) -> None:
    gate, hour = QualityGate(), 0.0
    for elapsed, *measures in rows:
        hour += elapsed
        reading = Reading(START + timedelta(hours=hour), "Oslo", *measures)
        checked = gate.check(reading)
        for place, measure in enumerate(MEASURES, 2):
            kept, gone = checked.reading[place], measure in checked.failed
            assert kept == reading[place] or (kept is None and (gone or measure in checked.suspect))
    again = QualityGate()
    again.restore(json.loads(json.dumps(gate.dump(), allow_nan=False)))
    assert again.dump() == gate.dump()


if REAL_FILES:

    @pytest.mark.parametrize("file", REAL_FILES, ids=lambda path: path.name)
    def test_it_says_what_the_batch_layer_says_of_real_readings(file: Path) -> None:
        rng = np.random.default_rng(5)
        for city in [*read_cities(file)][::3]:
            usual = learn_climatology(city)
            [source] = split_sources(city, ("first",))
            seen = observations(source, [], None, usual, Limits())
            checked = [*map(gate_for(seen).check, readings(seen))]
            flagged = [row for row, one in enumerate(checked) if one.flags and row > 400]
            chosen = rng.integers(400, len(checked), 25)
            for row in {*chosen, *rng.choice(flagged, 25)}:
                [source] = split_sources(city.iloc[row - 200 : row + 1], ("first",))
                batch = run_tests(observations(source, [], None, usual, Limits()))[-1]
                assert said_of(checked[row]) == flag_names(batch & bits(PROMPT))
