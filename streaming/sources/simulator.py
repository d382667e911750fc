"""The source `simulate`: simulated readings at any rate, evenly spread over the cities.

Rows are numbered from 1970 on: row k is due k / rate seconds after it and belongs to city
k mod (number of cities). So nothing has to be remembered over a restart, and times are distinct
per city at any rate.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from citywx.settings import WeatherSource
from citywx.weather.city import City
from citywx.weather.reading import Reading
from streaming.sources.simulated_weather import WORDS, Climate, Floats

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK_SECONDS = 0.005
_LARGEST_BATCH = 20_000
_CATCH_UP_SECONDS = 60


class Simulator:
    """Readings of simulated weather, as they fall due."""

    def __init__(
        self, cities: Sequence[City], *, seed: int, rows_per_second: float, start: datetime
    ) -> None:
        """Simulate `cities`, whose coordinates are known, from `start` on."""
        self._cities = tuple(cities)
        self._climates = tuple(Climate(seed, city) for city in cities)
        self._rate = rows_per_second
        self._next = self._row(start)
        self.detail = f"simulating {len(cities)} cities, {rows_per_second:g} rows/s"

    def take(self, now: datetime) -> list[Reading]:
        """The rows that fell due since the last call."""
        last = self._row(now)
        if last - self._next > _CATCH_UP_SECONDS * self._rate + 1:
            _log.warning("simulation stood still for a while: going on from now")
            self._next = last
        first = self._next
        self._next = max(first, min(last + 1, first + _LARGEST_BATCH))
        return self._rows(first, self._next)

    def written(self) -> None:
        """Nothing to save: rows follow from the time."""

    def pause(self, now: datetime) -> float:
        """Seconds until the next row, or the next handful at high rates."""
        behind = self._next <= self._row(now)
        until = self._next / self._rate - now.timestamp()
        return 0.0 if behind else max(until, min(1 / self._rate, _TICK_SECONDS))

    def _row(self, moment: datetime) -> int:
        return math.floor(moment.timestamp() * self._rate)

    def _rows(self, first: int, end: int) -> list[Reading]:
        rows: list[Reading | None] = [None] * (end - first)
        for index, (city, climate) in enumerate(zip(self._cities, self._climates, strict=True)):
            skip = (index - first) % len(self._cities)
            numbers = np.arange(first + skip, end, len(self._cities))
            if len(numbers):
                times = np.round(numbers / self._rate * 1e6) / 1e6
                rows[skip :: len(self._cities)] = simulated_readings(city, climate, times)
        return [row for row in rows if row is not None]


def simulated_readings(city: City, climate: Climate, times: Floats) -> Iterator[Reading]:
    """One reading of `city` for each of `times` (seconds since 1970)."""
    weather = climate.at(times)
    micros = np.round(times * 1e6).astype(np.int64)
    columns = (
        micros.tolist(),
        weather.temperature_c.tolist(),
        weather.humidity.tolist(),
        weather.pressure.tolist(),
        weather.wind_speed.tolist(),
        weather.words.tolist(),
    )
    for micro, temperature, humidity, pressure, wind, word in zip(*columns, strict=True):
        yield Reading(
            timestamp=_EPOCH + timedelta(microseconds=micro),
            city=city.name,
            temperature_c=temperature,
            humidity=humidity,
            pressure=pressure,
            wind_speed=wind,
            weather=WORDS[word],
            source=WeatherSource.SIMULATE.value,
        )
