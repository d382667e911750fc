"""How weather feels, against published test vectors."""

import pytest

from citywx.weather.comfort import (
    BEAUFORT_MS,
    Tendency,
    beaufort,
    celsius,
    dew_point,
    fahrenheit,
    heat_index,
    humidex,
    pressure_tendency,
    wind_chill,
)


@pytest.mark.parametrize(
    ("fahrenheit_in", "humidity", "felt"),
    [(75, 50, 75), (80, 50, 81), (80, 95, 88), (90, 50, 95), (90, 95, 127)],
)
def test_the_heat_index_has_the_values_of_the_nws(
    fahrenheit_in: float, humidity: float, felt: float
) -> None:
    assert round(fahrenheit(heat_index(celsius(fahrenheit_in), humidity))) == felt


def test_dry_heat_feels_cooler_than_the_regression_alone_says() -> None:
    assert heat_index(celsius(95), 10) < heat_index(celsius(95), 13)
    assert fahrenheit(heat_index(celsius(95), 10)) == pytest.approx(89.45, abs=0.01)


@pytest.mark.parametrize(
    ("temperature", "humidity", "expected"), [(30, 80, 43.66), (30, 20, 30.0), (15, 30, 15)]
)
def test_humidex_never_lies_below_the_temperature(
    temperature: float, humidity: float, expected: float
) -> None:
    assert humidex(temperature, humidity) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("temperature_f", "mph", "chill_f"), [(30, 10, 21), (0, 15, -19), (-10, 30, -39), (40, 5, 36)]
)
def test_wind_chill_agrees_with_the_chart_of_the_nws(
    temperature_f: float, mph: float, chill_f: float
) -> None:
    metres = mph * 0.44704
    chill = fahrenheit(wind_chill(celsius(temperature_f), metres))
    assert chill == pytest.approx(chill_f, abs=0.6)  # the chart is in whole °F


def test_wind_chill_outside_its_validity_is_the_temperature() -> None:
    assert wind_chill(10.1, 20) == 10.1
    assert wind_chill(-5, 1.3) == -5


@pytest.mark.parametrize("temperature", [-40.0, 0.0, 25.0, 50.0])
def test_the_dew_point_of_saturated_air_is_its_temperature(temperature: float) -> None:
    assert dew_point(temperature, 100) == pytest.approx(temperature)
    assert dew_point(temperature, 120) == pytest.approx(temperature)
    assert dew_point(temperature, 0) < temperature - 40


def test_every_beaufort_number_begins_at_its_bound() -> None:
    for number, bound in enumerate(BEAUFORT_MS, start=1):
        assert beaufort(bound) == number
        assert beaufort(bound - 0.01) == number - 1


@pytest.mark.parametrize(
    ("change", "term"),
    [
        (0.0, Tendency.STEADY),
        (0.5, Tendency.RISING_SLOWLY),
        (-1.5, Tendency.FALLING_SLOWLY),
        (-3.5, Tendency.FALLING),
        (3.6, Tendency.RISING_QUICKLY),
        (-6.0, Tendency.FALLING_QUICKLY),
        (-6.1, Tendency.FALLING_VERY_RAPIDLY),
    ],
)
def test_pressure_tendencies_have_the_met_offices_terms(change: float, term: Tendency) -> None:
    assert pressure_tendency(change) is term
