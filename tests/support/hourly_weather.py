"""Made-up weather, a reading an hour, with the noise and the rounding of a real sensor."""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from citywx.weather.anomalies.history import History
from citywx.weather.reading import Reading

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
Floats = NDArray[np.float64]


def hourly_weather(days: int, seed: int = 1) -> Floats:
    """A row an hour: temperature, humidity, pressure, wind."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * 24)
    day = np.sin(2 * np.pi * hours / 24)
    slow = [_wandering(rng, len(hours), 0.98, size) for size in (0.3, 1.0, 0.3)]
    return np.column_stack(
        [
            np.round(12 + 4 * day + slow[0] + rng.normal(0, 0.2, len(hours)), 2),
            np.clip(np.round(65 - 12 * day + slow[1] + rng.normal(0, 2, len(hours))), 0, 100),
            np.round(1013 + slow[2] + rng.normal(0, 0.2, len(hours))),
            np.round(np.abs(4 + day + rng.normal(0, 1, len(hours)))),
        ]
    )


def history_of(values: Floats) -> History:
    """As training takes it."""
    first = int(BEGIN.timestamp()) * 1_000_000
    return History.of(first + np.arange(len(values)) * 3_600_000_000, values)


def readings_of(values: Floats, city: str = "Oslo", first: int = 0) -> list[Reading]:
    """As the stream sends them; `first`: the hour of the first."""
    return [
        Reading(BEGIN + timedelta(hours=first + hour), city, *map(_measure, row))
        for hour, row in enumerate(values.tolist())
    ]


def _measure(value: float) -> float | None:
    return None if np.isnan(value) else value


def _wandering(rng: np.random.Generator, count: int, keeps: float, size: float) -> Floats:
    steps = rng.standard_t(3, count) * size  # weather has its jumps
    for hour in range(1, count):
        steps[hour] += keeps * steps[hour - 1]
    return steps
