"""Faults that sensors and feeds have, planted into real readings; where, is drawn at random."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citywx.weather.reading import MEASURES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_WETTEST: Final = 100.0  # %
_HUMIDITY_SHIFT: Final = 40.0  # %
SPACING_HOURS: Final = 120.0
"""Between the beginnings of two faults: each is judged by itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault."""

    name: str
    measures: tuple[str, ...]
    hours: tuple[float, float]
    """How long one lasts, drawn between these."""
    changed: Callable[[Floats, float, float], Floats]
    """The values while it lasts, from the true ones, the last before it, and a sign of ±1."""
    least_recall: float
    """The goal."""
    eligible: Callable[[Floats], Bools] = np.isfinite
    """Where one can begin, by the true value."""
    onset_only: bool = False
    """Whether only its first reading has to be seen."""
    second_source: bool = False
    """Whether another source reports beside it."""


@dataclass(frozen=True, slots=True)
class Planted:
    """Readings with faults in them."""

    readings: pd.DataFrame
    faulty: Bools
    """The rows that should be flagged."""
    touched: Bools
    """All rows that are not as they were."""


def plant(readings: pd.DataFrame, fault: Fault, count: int, rng: np.random.Generator) -> Planted:
    """Up to `count` faults of one kind in one city's readings, which are in order of time."""
    hours = hours_of(readings)
    values = {name: readings[name].to_numpy(dtype="float64").copy() for name in fault.measures}
    faulty, touched = np.zeros(len(hours), dtype=np.bool_), np.zeros(len(hours), dtype=np.bool_)
    for start in _starts(hours, values, fault, count, rng):
        stop = np.searchsorted(hours, hours[start] + rng.uniform(*fault.hours) - 1e-6)
        rows = slice(start, max(stop, start + 1))
        sign = rng.choice([-1.0, 1.0])
        differs = np.zeros(rows.stop - rows.start, dtype=np.bool_)
        for name in fault.measures:
            true = values[name][rows]
            changed = fault.changed(true, values[name][start - 1], sign)
            differs |= _is_fault(fault, changed, true)
            values[name][rows] = np.where(np.isnan(true), true, changed)
        touched[rows] = True
        faulty[rows] = differs
        if fault.onset_only:
            faulty[start + 1 : rows.stop] = False
    return Planted(readings.assign(**values), faulty, touched)


def hours_of(readings: pd.DataFrame) -> Floats:
    """The times as hours since 1970."""
    return readings["timestamp"].astype("datetime64[us, UTC]").astype("int64").to_numpy() / 3.6e9


def second_source(readings: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What another provider would say: the same weather with errors of 1 K, 8 % and 1 hPa."""
    count = len(readings)
    humidity = readings["humidity"] + rng.normal(0, 8, count)
    return readings.assign(
        source="second",
        temperature_c=readings["temperature_c"] + rng.normal(0, 1, count),
        humidity=humidity.clip(0, 100),
        pressure=readings["pressure"] + rng.normal(0, 1, count),
    )


def _starts(
    hours: Floats,
    values: dict[str, Floats],
    fault: Fault,
    count: int,
    rng: np.random.Generator,
) -> list[int]:
    """Places, far enough apart, with true values before them."""
    known = np.logical_and.reduce([fault.eligible(own) for own in values.values()])
    before = np.logical_and.reduce([np.isfinite(own) for own in values.values()])
    places = np.flatnonzero(known[1:] & before[:-1]) + 1
    chosen: list[int] = []
    for place in rng.permutation(places):
        if all(abs(hours[place] - hours[other]) >= SPACING_HOURS for other in chosen):
            chosen.append(int(place))
        if len(chosen) == count:
            break
    return sorted(chosen)


def _is_fault(fault: Fault, changed: Floats, true: Floats) -> Bools:
    """A repeated value is a fault also where it happens to be true."""
    reported = np.isfinite(true)
    differs: Bools = reported & (changed != true)
    return reported if fault.changed is stuck else differs


def shifted(amount: float) -> Callable[[Floats, float, float], Floats]:
    """Too high or too low by so much."""
    return lambda true, _before, sign: true + sign * amount


def humidity_shifted(true: Floats, _before: float, sign: float) -> Floats:
    """40 % too high or too low; the way that stays within 0 to 100 %."""
    way = np.where(
        true > _WETTEST - _HUMIDITY_SHIFT, -1.0, np.where(true < _HUMIDITY_SHIFT, 1.0, sign)
    )
    shifted: Floats = np.clip(true + _HUMIDITY_SHIFT * way, 0, _WETTEST)
    return shifted


def stuck(true: Floats, before: float, _sign: float) -> Floats:
    """The last value before, again and again."""
    return np.full(len(true), before)


def in_fahrenheit(true: Floats, _before: float, _sign: float) -> Floats:
    """°F."""
    return np.round(true * 1.8 + 32, 2)


def without_minus(true: Floats, _before: float, _sign: float) -> Floats:
    """As printed without the sign."""
    return np.abs(true)


def tenfold(true: Floats, _before: float, _sign: float) -> Floats:
    """A decimal point lost."""
    return true * 10


def in_inches(true: Floats, _before: float, _sign: float) -> Floats:
    """Inches of mercury."""
    return np.round(true / 33.8639, 2)


def _at_most(limit: float) -> Callable[[Floats], Bools]:
    return lambda true: true <= limit


def _at_least(limit: float) -> Callable[[Floats], Bools]:
    return lambda true: true >= limit


def _within_forty(true: Floats) -> Bools:
    return (true <= _WETTEST - _HUMIDITY_SHIFT) | (true >= _HUMIDITY_SHIFT)


_T, _H, _P, _W = (("temperature_c",), ("humidity",), ("pressure",), ("wind_speed",))
FAULTS: Final = (
    Fault("temperature spike 6 K", _T, (1, 1), shifted(6), 0.95),
    Fault("humidity spike 40 %", _H, (1, 1), humidity_shifted, 0.70, _within_forty),
    Fault("wind × 10, once", _W, (1, 1), tenfold, 0.98, _at_least(1)),
    Fault("pressure in inHg, 1 h", _P, (1, 1), in_inches, 0.99),
    Fault("temperature in °F, 1 h", _T, (1, 1), in_fahrenheit, 0.99),
    Fault("temperature in °F, 5–60 h", _T, (5, 60), in_fahrenheit, 0.90),
    Fault("minus dropped, 1 h", _T, (1, 1), without_minus, 0.95, _at_most(-2)),
    Fault("minus dropped, 5–60 h", _T, (5, 60), without_minus, 0.75, _at_most(-2)),
    Fault("temperature stuck, 9–60 h", _T, (9, 60), stuck, 0.95),
    Fault("humidity stuck, 24 h", _H, (24, 24), stuck, 0.92),
    Fault("humidity stuck, 24–60 h", _H, (24, 60), stuck, 0.92),
    Fault("pressure stuck, 24 h", _P, (24, 24), stuck, 0.95),
    Fault("pressure stuck, 24–60 h", _P, (24, 60), stuck, 0.95),
    Fault("wind stuck, 31–60 h", _W, (31, 60), stuck, 0.95, _at_least(1)),
    Fault("all measures stuck, 6 h", MEASURES, (6, 6), stuck, 0.95),
    Fault("all measures stuck, 6–60 h", MEASURES, (6, 60), stuck, 0.95),
    Fault("onset of a 6 K step", _T, (72, 72), shifted(6), 0.60, onset_only=True),
    Fault("rows of a 6 K step, two sources", _T, (72, 72), shifted(6), 0.80, second_source=True),
)
"""The kinds, with the recall that each should reach."""
