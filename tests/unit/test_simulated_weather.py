from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from citywx.weather.city import City
from streaming.sources.simulated_weather import PRESSURE_BOUNDS, SNOW_BELOW_C, WORDS, Climate
from streaming.sources.simulator import Simulator

CITIES = [
    City("Cairo", "EG", 30.06, 31.25, "Africa/Cairo"),
    City("Yakutsk", "RU", 62.03, 129.73, "Asia/Yakutsk"),
    City("Quito", "EC", -0.23, -78.52, "America/Guayaquil"),
    City("Sydney", "AU", -33.87, 151.21, "Australia/Sydney"),
]
YEAR = np.arange(1_700_000_000.0, 1_700_000_000.0 + 365 * 86_400, 1_800)
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name)
def test_a_simulated_year_stays_plausible(city: City) -> None:
    weather = Climate(20, city).at(YEAR)
    assert -60 < weather.temperature_c.min() < weather.temperature_c.max() < 50
    assert weather.humidity.min() >= 1
    assert weather.humidity.max() <= 100
    assert PRESSURE_BOUNDS[0] <= weather.pressure.min() < weather.pressure.max() <= 1050
    assert weather.wind_speed.min() >= 0
    assert 1 < weather.wind_speed.mean() < 8
    words = np.array(WORDS)[weather.words]
    snow = np.char.find(words, "snow") >= 0
    assert (weather.temperature_c[snow] < SNOW_BELOW_C).all()
    rain = np.char.find(words, "rain") >= 0
    assert (weather.temperature_c[rain] >= SNOW_BELOW_C).all()
    assert 0.02 < (rain | snow | (words == "thunderstorm")).mean() < 0.45


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name)
def test_afternoons_are_warmer_and_drier_than_nights(city: City) -> None:
    weather = Climate(20, city).at(YEAR)
    solar_hour = (YEAR / 3600 + (city.longitude or 0) / 15) % 24
    afternoon, night = abs(solar_hour - 15) < 1, abs(solar_hour - 4) < 1
    assert weather.temperature_c[afternoon].mean() > weather.temperature_c[night].mean() + 3
    assert weather.humidity[afternoon].mean() < weather.humidity[night].mean() - 5


def test_summer_comes_in_july_north_and_in_january_south() -> None:
    july, january = (datetime(2026, month, 15, tzinfo=UTC).timestamp() for month in (7, 1))
    days = np.arange(0, 10 * 86_400, 3_600.0)
    for city, sign in ((CITIES[1], 1), (CITIES[3], -1)):
        climate = Climate(20, city)
        difference = climate.at(july + days).temperature_c.mean()
        difference -= climate.at(january + days).temperature_c.mean()
        assert sign * difference > 5


def test_lows_bring_cloud_and_wind() -> None:
    weather = Climate(20, CITIES[1]).at(YEAR)
    low = weather.pressure < np.quantile(weather.pressure, 0.2)
    high = weather.pressure > np.quantile(weather.pressure, 0.8)
    assert weather.wind_speed[low].mean() > weather.wind_speed[high].mean() + 0.5
    assert (weather.words[low] == 0).mean() < (weather.words[high] == 0).mean()


def test_weather_follows_from_seed_place_and_time_alone() -> None:
    whole = Climate(20, CITIES[0]).at(YEAR[:100])
    again = Climate(20, CITIES[0]).at(YEAR[50:60])
    np.testing.assert_array_equal(whole.temperature_c[50:60], again.temperature_c)
    other = Climate(21, CITIES[0]).at(YEAR[50:60])
    assert (other.temperature_c != again.temperature_c).any()


def test_weather_does_not_jump_between_minutes() -> None:
    minutes = np.arange(YEAR[0], YEAR[0] + 86_400, 60)
    weather = Climate(20, CITIES[0]).at(minutes)
    assert abs(np.diff(weather.temperature_c)).max() < 0.2
    assert abs(np.diff(weather.pressure)).max() <= 0.2


def simulator(rate: float, start: datetime = START) -> Simulator:
    return Simulator(CITIES[:2], seed=20, rows_per_second=rate, start=start)


def test_rows_are_shared_out_evenly_and_none_lies_ahead() -> None:
    now = START + timedelta(seconds=10)
    readings = simulator(1).take(now)
    assert [reading.city for reading in readings[:4]] == ["Cairo", "Yakutsk"] * 2
    assert max(reading.timestamp for reading in readings) == now


@pytest.mark.parametrize("rate", [0.1, 1, 7, 2_000, 50_000])
def test_times_are_distinct_at_any_rate(rate: float) -> None:
    source = simulator(rate)
    readings = [
        reading
        for step in range(1, 6)
        for reading in source.take(START + timedelta(seconds=step * min(0.2, 1 / rate) * 3))
    ]
    assert len({reading.identity for reading in readings}) == len(readings)


def test_the_asked_rate_is_kept() -> None:
    source = simulator(50_000)
    rows = sum(len(source.take(START + timedelta(milliseconds=20 * i))) for i in range(1, 51))
    assert abs(rows - 50_000) <= 1


def test_a_restart_gives_the_same_rows() -> None:
    later = START + timedelta(seconds=20)
    through = [r for r in simulator(1).take(later) if r.timestamp >= START + timedelta(seconds=10)]
    assert simulator(1, START + timedelta(seconds=10)).take(later) == through


def test_after_a_standstill_the_simulation_goes_on_from_now() -> None:
    source = simulator(10)
    source.take(START)
    assert len(source.take(START + timedelta(hours=1))) <= 1
