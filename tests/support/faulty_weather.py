"""Weather made up: ordinary days, and for each flag of quality control a fault that raises it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from citywx.weather.climatology import RANGED, Climatology
from citywx.weather.quality.flags import QcFlag
from citywx.weather.quality.limits import Limits
from citywx.weather.quality.observations import Observations
from citywx.weather.reading import MEASURES

HOURS = 240
FIRST = 494_000.0  # 2026-05-10, in hours since 1970
AT = 150
"""Where the faults begin."""


def ordinary(per_hour: int = 1) -> Observations:
    """Ten days of changeable spring weather, as it is, with a second source and a city nearby."""
    hours = np.arange(HOURS * per_hour) / per_hour
    day = 2 * np.pi * hours / 24
    temperature = np.round(10 + 5 * np.sin(day) + np.sin(day * 5.3), 2)
    nothing = np.full(len(hours), np.nan)
    return Observations(
        hours=FIRST + hours,
        months=np.full(len(hours), 4),
        measures={
            "temperature_c": temperature,
            "humidity": np.round(75 - 15 * np.sin(day) + 3 * np.sin(day * 3.1)),
            "pressure": np.round(1012 + 8 * np.sin(day / 4)),
            "wind_speed": np.round(4 + 2 * np.sin(day * 2.3) + np.sin(day * 7)),
        },
        rain=np.zeros(len(hours), dtype=bool),
        delay_hours=nothing,
        others=dict.fromkeys(MEASURES, nothing),
        nearby_c=temperature + 3,
        climatology=replace(
            Climatology.unknown(),
            low=dict(zip(RANGED, np.full((3, 12), [[-15.0], [970.0], [-9.0]]), strict=True)),
            high=dict(zip(RANGED, np.full((3, 12), [[35.0], [1045.0], [20.0]]), strict=True)),
        ),
        limits=replace(Limits(), humidity_change=replace(Limits().humidity_change, usual=3.0)),
    )


def with_values(
    measure: str, hours: int, value: float | NDArray[np.float64], seen: Observations | None = None
) -> Observations:
    seen = seen or ordinary()
    changed = seen.measures[measure].copy()
    changed[AT : AT + hours] = value
    return replace(seen, measures={**seen.measures, measure: changed})


def true(measure: str, hours: int = 1) -> NDArray[np.float64]:
    return ordinary().measures[measure][AT : AT + hours]


def cold() -> Observations:
    seen = ordinary()
    frost = seen.measures["temperature_c"] / 2 - 12
    return replace(seen, measures={**seen.measures, "temperature_c": frost}, nearby_c=frost + 3)


def other_source(measure: str, difference: float) -> Observations:
    seen = ordinary()
    told = seen.measures[measure].copy()
    told[AT - 1 :] += difference
    return replace(seen, others={**seen.others, measure: told})


def rainy() -> Observations:
    seen = with_values("humidity", 1, 12.0)
    return replace(seen, rain=np.ones(len(seen.hours), dtype=bool))


def all_repeated(hours: int) -> Observations:
    seen = ordinary()
    for name in MEASURES:
        seen = with_values(name, hours, seen.measures[name][AT - 1], seen)
    return seen


FAULTS = {
    QcFlag.TEMPERATURE_RANGE: with_values("temperature_c", 1, 61.0),
    QcFlag.HUMIDITY_RANGE: with_values("humidity", 1, 100.1),
    QcFlag.PRESSURE_RANGE: with_values("pressure", 1, 849.0),
    QcFlag.WIND_RANGE: with_values("wind_speed", 1, -0.1),
    QcFlag.TEMPERATURE_FAHRENHEIT: with_values(
        "temperature_c", 20, true("temperature_c", 20) * 1.8 + 32
    ),
    QcFlag.TEMPERATURE_SIGN: with_values(
        "temperature_c", 20, 12 - true("temperature_c", 20) / 2, cold()
    ),
    QcFlag.PRESSURE_UNIT: with_values("pressure", 1, 29.92),
    QcFlag.TEMPERATURE_CLIMATE: with_values("temperature_c", 1, 36.0),
    QcFlag.PRESSURE_CLIMATE: with_values("pressure", 1, 969.0),
    QcFlag.WIND_CLIMATE: with_values("wind_speed", 1, 21.0),
    QcFlag.TEMPERATURE_SPIKE: with_values("temperature_c", 1, true("temperature_c") + 6),
    QcFlag.HUMIDITY_SPIKE: with_values("humidity", 1, true("humidity") - 40),
    QcFlag.WIND_SPIKE: with_values("wind_speed", 1, true("wind_speed") * 10),
    QcFlag.TEMPERATURE_STEP: with_values("temperature_c", 48, true("temperature_c", 48) + 12),
    QcFlag.HUMIDITY_STEP: with_values("humidity", 48, 2.0),
    QcFlag.PRESSURE_STEP: with_values("pressure", HOURS, true("pressure", HOURS) + 12),
    QcFlag.PRESSURE_LEVEL: with_values("pressure", 5, true("pressure", 5) - 30),
    QcFlag.TEMPERATURE_STUCK: with_values("temperature_c", 9, 8.13),
    QcFlag.HUMIDITY_STUCK: with_values("humidity", 17, 60.0),
    QcFlag.PRESSURE_STUCK: with_values("pressure", 19, 1012.0),
    QcFlag.WIND_STUCK: with_values("wind_speed", 31, 3.0),
    QcFlag.ALL_STUCK: all_repeated(6),
    QcFlag.RAIN_IN_DRY_AIR: rainy(),
    QcFlag.SOURCES_DISAGREE: other_source("temperature_c", 6.0),
    QcFlag.HUMIDITY_DISAGREES: other_source("humidity", -40.0),
    QcFlag.PRESSURE_DISAGREES: other_source("pressure", 6.0),
    QcFlag.NEARBY_DISAGREES: with_values("temperature_c", 5, true("temperature_c", 5) + 12),
    QcFlag.LATE: replace(ordinary(), delay_hours=np.full(HOURS, 3.1)),
}
