"""The anomaly score in the stream, on weather that is made up and on sensors that fail in it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from citywx.weather.alerting.bench import Known
from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import parse_definitions
from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.life import Event
from citywx.weather.anomalies.model import Models
from citywx.weather.anomalies.neighbours import other_source
from citywx.weather.anomalies.scorer import AnomalyScorer
from citywx.weather.anomalies.training import learn_cities
from citywx.weather.reading import Reading
from tests.support.hourly_weather import BEGIN, Floats, history_of, hourly_weather, readings_of

DAYS = 150
LEARNT = 120 * 24
"""Hours that the models know."""
WARM = LEARNT - 48
"""Where the stream begins: a day without judgement, and one with."""


@pytest.fixture(scope="module")
def weather() -> Floats:
    return hourly_weather(DAYS)


@pytest.fixture(scope="module")
def models(weather: Floats) -> Models:
    learnt = learn_cities({"Oslo": history_of(weather[:LEARNT])})
    return Models(BEGIN, learnt.models, learnt.without)


@pytest.fixture(scope="module")
def compared(weather: Floats) -> tuple[Models, Floats]:
    """Models of Oslo beside a second source, and what that source says."""
    rng = np.random.default_rng(9)
    second = weather + rng.normal(0, (0.5, 3, 0.5, 1), weather.shape)
    name = other_source("Oslo", "second")
    histories = {"Oslo": history_of(weather[:LEARNT]), name: history_of(second[:LEARNT])}
    return Models(BEGIN, learn_cities(histories, {"Oslo": [name]}).models), second


def run(scorer: AnomalyScorer, readings: Sequence[Reading]) -> list[Finding]:
    return [finding for reading in readings for finding in scorer.observe(reading)]


def faulty(weather: Floats, change: Callable[[Floats], Floats], hours: int = 24) -> list[Reading]:
    """The stream from two days before the fault, which begins where the models end."""
    values = weather[WARM : LEARNT + hours].copy()
    values[-hours:] = change(values[-hours:])
    return readings_of(values, first=WARM)


def offset(amounts: Sequence[float]) -> Callable[[Floats], Floats]:
    return lambda values: values + np.array(amounts)


def noisy(values: Floats) -> Floats:
    noise = np.random.default_rng(3).normal(0, 3.0, len(values))
    return values + np.outer(noise, [1, 0, 0, 0])


def drifting(values: Floats) -> Floats:
    return values + np.outer(np.arange(len(values)) * 1.0, [1, 0, 0, 0])


@pytest.mark.parametrize(
    ("change", "measure", "what"),
    [
        (offset([0, 0, 12, 0]), "pressure", "step"),
        (offset([9, 0, 0, 0]), "temperature_c", "step"),
        (noisy, "temperature_c", "unsteady"),
        (drifting, "temperature_c", "drift"),
    ],
    ids=["pressure offset", "temperature offset", "noise", "drift"],
)
def test_a_fault_inside_the_ordinary_ranges_is_found_and_named(
    weather: Floats, models: Models, change: Callable[[Floats], Floats], measure: str, what: str
) -> None:
    found = [f for f in run(AnomalyScorer(models), faulty(weather, change)) if f.level]
    told = [each for finding in found for each in finding.details["variables"]]
    assert (what, measure) in [(each["what"], each["measure"]) for each in told]
    assert found[0].value is not None
    assert found[0].limit is not None
    assert found[0].value > found[0].limit


def test_what_was_expected_and_observed_is_told_in_the_measures_unit(
    weather: Floats, models: Models
) -> None:
    findings = run(AnomalyScorer(models), faulty(weather, offset([0, 0, 12, 0])))
    found = [f for f in findings if f.observed_at == BEGIN + timedelta(hours=LEARNT)]
    told = next(v for v in found[0].details["variables"] if v["measure"] == "pressure")
    assert told["observed"] == weather[LEARNT, 2] + 12
    assert told["expected"] == pytest.approx(weather[LEARNT, 2], abs=2)
    assert json.loads(json.dumps(found[0].details)) == found[0].details


def test_usual_weather_alarms_about_as_rarely_as_asked(weather: Floats, models: Models) -> None:
    found = run(AnomalyScorer(models), readings_of(weather[WARM:], first=WARM))
    begun = [f for before, f in zip([None, *found], found, strict=False) if f.level and not before]
    assert len(begun) <= 3


def test_fewer_false_alarms_are_had_for_a_higher_threshold(models: Models) -> None:
    model = models.cities["Oslo"]
    rates = (0.1, 0.25, 0.7, 1.0, 4.0, 10.0)
    thresholds = [model.threshold(rate) for rate in rates]
    assert thresholds == sorted(thresholds, reverse=True)


def test_an_alarm_ends_with_one_finding_and_then_all_is_quiet(
    weather: Floats, models: Models
) -> None:
    scorer = AnomalyScorer(models)
    fault = faulty(weather, offset([0, 0, 12, 0]), hours=3)
    after = readings_of(weather[LEARNT + 3 : LEARNT + 240], first=LEARNT + 3)
    levels = [finding.level for finding in run(scorer, [*fault, *after])]
    assert levels[0] == 1
    assert levels[-1] == 0
    assert levels.count(0) == sum(later < earlier for earlier, later in pairwise(levels))


def test_a_change_that_stays_is_news_for_days_only(weather: Floats, models: Models) -> None:
    hours = 24 * 25
    found = run(AnomalyScorer(models), faulty(weather, offset([0, 0, 12, 0]), hours))
    last = max(finding.observed_at for finding in found if finding.level)
    assert last < BEGIN + timedelta(hours=LEARNT + hours - 24 * 10)


def test_a_city_without_a_model_has_no_anomalies_and_is_named(models: Models) -> None:
    scorer = AnomalyScorer(models)
    assert run(scorer, readings_of(hourly_weather(3), "Bergen")) == []
    assert scorer.without_model == {"Bergen"}
    assert AnomalyScorer().observe(readings_of(hourly_weather(1))[0]) == ()


def test_the_first_day_without_memory_and_after_a_silence_is_not_judged(
    weather: Floats, models: Models
) -> None:
    fault = readings_of(offset([0, 0, 30, 0])(weather[LEARNT : LEARNT + 20]), first=LEARNT)
    assert run(AnomalyScorer(models), fault) == []
    scorer = AnomalyScorer(models)
    run(scorer, readings_of(weather[WARM - 48 : WARM - 6], first=WARM - 48))
    assert run(scorer, fault) == []


def test_missing_values_and_gaps_are_no_anomaly(weather: Floats, models: Models) -> None:
    values = weather[WARM : LEARNT + 72].copy()
    values[60:70, 1] = np.nan
    values[75:85] = np.nan
    values[90:93, 0] = np.nan
    readings = readings_of(values, first=WARM)
    kept = [reading for hour, reading in enumerate(readings) if not 100 <= hour < 105]
    assert run(AnomalyScorer(models), kept) == []


def test_of_faster_readings_the_first_of_an_hour_is_judged(weather: Floats, models: Models) -> None:
    hourly = faulty(weather, offset([0, 0, 12, 0]))
    often = [
        reading._replace(timestamp=reading.timestamp + timedelta(minutes=minute), pressure=p)
        for reading in hourly
        for minute, p in ((0, reading.pressure), (10, 900.0), (50, 1060.0))
    ]
    expected = run(AnomalyScorer(models), hourly)
    found = run(AnomalyScorer(models), often)
    assert [f for f in found if f.observed_at.minute == 0] == expected
    assert {f.level for f in found if f.observed_at.minute} == {1}


def test_a_restart_anywhere_changes_nothing(weather: Floats, models: Models) -> None:
    readings = faulty(weather, noisy)
    whole = run(AnomalyScorer(models), readings)
    for cut in (1, 30, 60):
        first, second = AnomalyScorer(models), AnomalyScorer(models)
        found = run(first, readings[:cut])
        second.restore(json.loads(json.dumps(first.dump())))
        assert found + run(second, readings[cut:]) == whole


def test_a_memory_waits_for_models_that_come_later(weather: Floats, models: Models) -> None:
    readings = faulty(weather, noisy)
    first, second = AnomalyScorer(models), AnomalyScorer()
    run(first, readings[:50])
    second.restore(json.loads(json.dumps(first.dump())))
    second.use(models)
    assert run(second, readings[50:]) == run(first, readings[50:])


def test_new_models_take_over_without_a_pause(weather: Floats, models: Models) -> None:
    readings = faulty(weather, noisy)
    swapped, kept = AnomalyScorer(models), AnomalyScorer(models)
    found = run(swapped, readings[:55])
    swapped.use(replace(models, made_at=models.made_at + timedelta(days=1)))
    assert found + run(swapped, readings[55:]) == run(kept, readings)


@pytest.mark.parametrize(
    "state", [None, 3, [], [[]], {"a": 1}, [[["Oslo", [True]]], []], [[["Oslo", 3]], []]]
)
def test_what_is_no_memory_is_refused(models: Models, state: object) -> None:
    with pytest.raises(ValueError, match=r"memor|remembers|unpack"):
        AnomalyScorer(models).restore(state)


def test_a_second_source_shows_what_one_cannot(
    weather: Floats, compared: tuple[Models, Floats]
) -> None:
    models, second = compared
    scorer, alone = AnomalyScorer(models), AnomalyScorer(models)
    others = readings_of(second[WARM:], first=WARM)
    readings = faulty(weather, offset([2.5, 0, 0, 0]))
    found = []
    for own, other in zip(readings, others, strict=False):
        scorer.hear(other_source("Oslo", "second"), other)
        found += scorer.observe(own)
    told = [each for finding in found for each in finding.details.get("variables", ())]
    assert ("temperature_c", "Oslo (second)") in [
        (each["measure"], each.get("neighbour")) for each in told
    ]
    assert len(run(alone, readings)) < len(found)


def test_the_alert_book_lets_the_score_hear_a_source_that_stands_back(
    weather: Floats, compared: tuple[Models, Floats]
) -> None:
    models, second = compared
    definitions = parse_definitions("[anomaly]\n")
    book = AlertBook(definitions, Known(sources=["csv", "second"]), scorer=AnomalyScorer(models))
    others = readings_of(second[WARM:], first=WARM)
    events = []
    for own, other in zip(faulty(weather, offset([2.5, 0, 0, 0])), others, strict=False):
        for reading in (own, other._replace(source="second")):
            book.judge(reading)
            events += book.score()
    fired = [event for event in events if event.event is Event.FIRED]
    told = [each for event in fired for each in event.details["variables"]]
    assert ("temperature_c", "Oslo (second)") in [
        (each["measure"], each.get("neighbour")) for each in told
    ]


def test_too_short_and_too_rare_histories_say_why_there_is_no_model() -> None:
    weather = hourly_weather(40)
    histories = {
        "Young": history_of(weather[: 24 * 10]),
        "Empty": history_of(weather[:0]),
        "Rare": history_of(np.where(np.arange(960)[:, None] % 12, np.nan, weather)),
    }
    learnt = learn_cities(histories)
    assert learnt.models == {}
    assert "10 days" in learnt.without["Young"]
    assert learnt.without.keys() == {"Young", "Empty", "Rare"}


def test_a_measure_that_is_never_reported_is_no_obstacle() -> None:
    weather = hourly_weather(60)
    weather[:, 1] = np.nan
    learnt = learn_cities({"Oslo": history_of(weather[: 24 * 50])})
    scorer = AnomalyScorer(Models(BEGIN, learnt.models))
    found = run(scorer, readings_of(weather[24 * 48 :], first=24 * 48))
    told = [each for finding in found for each in finding.details.get("variables", ())]
    assert "humidity" not in {each["measure"] for each in told}
