"""Advice: which readings give which lines, and which do not."""

from datetime import UTC, datetime

import pytest

from citywx.weather.advice import RULES, build_advice, temp_message
from citywx.weather.reading import Reading


def reading(
    temperature: float | None = 20.0,
    humidity: float | None = 50.0,
    wind: float | None = 2.0,
    weather: str | None = "few clouds",
) -> Reading:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return Reading(moment, "Cairo", temperature, humidity, 1013.0, wind, weather)


def rules_of(given: Reading) -> list[str]:
    return [advice.rule for advice in build_advice(given)]


@pytest.mark.parametrize(
    ("weather", "rules"),
    [
        ("sky is clear", ["fine"]),
        ("overcast clouds", ["fine"]),
        ("light rain", ["rain"]),
        ("proximity shower rain", ["rain"]),
        ("light intensity drizzle", ["rain"]),
        ("Slight rain showers", ["rain"]),
        ("Rain Showers: violent", ["rain"]),
        ("thunderstorm with light rain", ["thunderstorm", "rain"]),
        ("proximity thunderstorm", ["thunderstorm"]),
        ("Thunderstorm with slight hail", ["thunderstorm", "snow_ice"]),
        ("SQUALLS", ["thunderstorm"]),
        ("heavy snow", ["snow_ice"]),
        ("shower snow", ["snow_ice"]),
        ("light rain and snow", ["snow_ice", "rain"]),
        ("freezing rain", ["snow_ice", "rain"]),
        ("depositing rime fog", ["snow_ice", "visibility"]),
        ("mist", ["visibility"]),
        ("haze", ["dirty_air"]),
        ("sand/dust whirls", ["dirty_air"]),
        ("clear above the train station, drains running", ["fine"]),
        ("mistral, hailed as terrain of trainers", ["fine"]),
        ("no rain", ["fine"]),
        ("partly cloudy without rain", ["fine"]),
    ],
)
def test_words_are_matched_whole(weather: str, rules: list[str]) -> None:
    assert rules_of(reading(weather=weather)) == rules


def test_rain_says_take_an_umbrella() -> None:
    assert "umbrella" in build_advice(reading(weather="moderate rain"))[0].text


@pytest.mark.parametrize(
    ("given", "rule", "word"),
    [
        (reading(28, 50), "heat", "Warm"),
        (reading(33, 50), "heat", "Very hot"),
        (reading(38, 55), "heat", "Dangerous"),
        (reading(42, 60), "heat", "Extreme"),
        (reading(41, None), "heat", "Dangerous"),
        (reading(9.9), "cold", "warm coat"),
        (reading(1, 50, 10), "cold", "freezing"),
        (reading(-20, 50, 8), "cold", "30 minutes"),
        (reading(-30, 50, 10), "cold", "10 minutes"),
        (reading(wind=10.8), "wind", "umbrellas"),
        (reading(wind=14), "wind", "Near gale"),
        (reading(wind=20), "wind", "Gale"),
        (reading(wind=33), "wind", "Hurricane"),
        (reading(25, 80), "humidity", "Muggy"),
    ],
)
def test_measured_hazards_are_named_at_their_levels(given: Reading, rule: str, word: str) -> None:
    found = {advice.rule: advice.text for advice in build_advice(given)}
    assert set(found) == {rule}
    assert word in found[rule]


def test_pleasant_weather_gets_a_friendly_line() -> None:
    assert [advice.text for advice in build_advice(reading())] == [
        "Nothing to prepare for: enjoy the day."
    ]


def test_missing_values_leave_out_their_rules_only() -> None:
    assert rules_of(reading(None, None, None, "light rain")) == ["rain"]
    assert rules_of(reading(None, 50, 15, None)) == ["wind"]
    assert rules_of(reading(None, None, None, None)) == ["too_little"]
    assert rules_of(reading(None, 90, 1, "")) == ["too_little"]


def test_every_line_knows_its_source() -> None:
    assert all(rule.source for rule in RULES)
    assert all(advice.source for advice in build_advice(reading(weather="snow")))


@pytest.mark.parametrize(
    ("temperature", "word"),
    [
        (-10.1, "Bitterly"),
        (-0.1, "Freezing"),
        (9.9, "Cold"),
        (10.0, "Cool"),
        (23.0, "Mild"),
        (23.001, "Warm"),
        (27.0, "Hot"),
        (45.0, "Very hot"),
    ],
)
def test_a_temperature_alone_has_a_message(temperature: float, word: str) -> None:
    message = temp_message(temperature)
    assert message is not None
    assert message.startswith(word)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_no_temperature_no_message(missing: float | None) -> None:
    assert temp_message(missing) is None
