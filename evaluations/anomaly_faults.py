"""Faults that stay inside a city's ordinary ranges, planted into real readings for 24 hours."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citywx.weather.alerting.quality_gate.gate import QualityGate
from citywx.weather.anomalies.neighbours import values_of
from citywx.weather.reading import MEASURES, Reading

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LASTS_HOURS: Final = 24
_APART_HOURS: Final = (240, 480)
"""Between two faults, drawn between these: each is judged by itself."""
_HARD_RANGES: Final = ((-90.0, 60.0), (0.0, 100.0), (860.0, 1090.0), (0.0, 115.0))
_KNOWN: Final = 0.8  # of the values of a day, where a fault is planted
_LASTING: Final = 0.9  # of a second source's error, an hour later
_T, _H, _P = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Series:
    """One city's readings, one an hour."""

    city: str
    times: pd.DatetimeIndex
    measured: Floats
    """A row an hour, a column a measure; not a number where nothing was reported or believed."""


@dataclass(frozen=True, eq=False)
class Planted:
    """Readings with faults in them."""

    measured: Floats
    faulty: Bools
    """The hours with a fault."""

    def events(self) -> list[slice]:
        """The hours of each fault."""
        edges = np.flatnonzero(np.diff(np.r_[0, self.faulty.astype(np.int8), 0]))
        return [slice(*pair) for pair in edges.reshape(-1, 2).tolist()]


Change = Callable[[Floats, slice, Sequence[Floats], np.random.Generator], Floats]
"""The faulty values of these hours, from all true ones and those of other cities."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault, with its goals."""

    name: str
    change: Change
    least_auc: float = 0.0
    least_recall: float = 0.0
    least_recall_compared: float = 0.7
    """With a second source or near cities to compare with."""


def read_series(frame: pd.DataFrame) -> list[Series]:
    """Each city of a staging CSV; values that no weather can have are not believed."""
    times = pd.to_datetime(frame["timestamp"], utc=True)
    hours = pd.date_range(times.min(), times.max(), freq="h")
    found = []
    for name, own in frame.assign(timestamp=times).groupby("city"):
        rows = own.drop_duplicates("timestamp").set_index("timestamp").reindex(hours)
        values = rows[list(MEASURES)].to_numpy(dtype="float64").copy()
        for column, (least, greatest) in zip(values.T, _HARD_RANGES, strict=True):
            column[(column < least) | (column > greatest)] = np.nan
        found.append(Series(str(name), hours, values))
    return found


def gated(own: Series, measured: Floats | None = None) -> Floats:
    """What the quality gate of the stream lets pass of a city's readings, or of others of it."""
    gate = QualityGate()
    rows = own.measured if measured is None else measured
    passed = np.full_like(rows, np.nan)
    for place, (time, row) in enumerate(zip(own.times, rows.tolist(), strict=True)):
        passed[place] = values_of(
            gate.check(reading_of(time.to_pydatetime(), own.city, row)).reading
        )
    return passed


def reading_of(moment: datetime, city: str, values: Sequence[float]) -> Reading:
    """As the stream brings it."""
    temperature, humidity, pressure, wind = [None if math.isnan(one) else one for one in values]
    return Reading(moment, city, temperature, humidity, pressure, wind)


def plant(
    own: Series, others: Sequence[Series], kind: Kind, first: int, rng: np.random.Generator
) -> Planted:
    """Faults of one kind from row `first` on, at random distances."""
    values, faulty = own.measured.copy(), np.zeros(len(own.measured), dtype=np.bool_)
    elsewhere = [other.measured for other in others]
    start = first + int(rng.integers(0, _APART_HOURS[0]))
    while start + LASTS_HOURS <= len(values):
        hours = slice(start, start + LASTS_HOURS)
        known = [other for other in elsewhere if _mostly_known(other[hours])]
        if known and _mostly_known(own.measured[hours]):
            values[hours] = kind.change(own.measured, hours, known, rng)
            faulty[hours] = True
        start += int(rng.integers(*_APART_HOURS))
    return Planted(values, faulty)


def _mostly_known(values: Floats) -> bool:
    return bool(np.isfinite(values).mean() >= _KNOWN)


def second_source(own: Series, rng: np.random.Generator) -> Series:
    """The same weather by another provider: errors of 1 K, 8 %, 1 hPa and 1 m/s.

    Errors of a model or of a station a little way off last for hours: each keeps 0.9 of the last.
    """
    noise = rng.normal(size=own.measured.shape) * np.sqrt(1 - _LASTING**2)
    errors = np.zeros_like(noise)
    for hour in range(1, len(noise)):
        errors[hour] = _LASTING * errors[hour - 1] + noise[hour]
    values = own.measured + errors * (1.0, 8.0, 1.0, 1.0)
    values[:, _H] = np.clip(values[:, _H], 0, 100)
    return Series(own.city, own.times, np.round(values, 1))


def _drift(
    true: Floats, hours: slice, _others: Sequence[Floats], rng: np.random.Generator
) -> Floats:
    faulty = true[hours].copy()
    faulty[:, _T] += rng.choice([-0.5, 0.5]) * np.arange(1, LASTS_HOURS + 1)
    return faulty


def _noise(
    true: Floats, hours: slice, _others: Sequence[Floats], rng: np.random.Generator
) -> Floats:
    faulty = true[hours].copy()
    faulty[:, _T] += rng.normal(0, 4 * own_noise(true[:, _T]), LASTS_HOURS)
    return faulty


def own_noise(values: Floats) -> float:
    """The standard deviation of a sensor's noise, from the second differences of its values."""
    bends = np.diff(values, 2)
    return 1.4826 * float(np.nanmedian(np.abs(bends))) / math.sqrt(6)


def _offset(
    true: Floats, hours: slice, _others: Sequence[Floats], rng: np.random.Generator
) -> Floats:
    faulty = true[hours].copy()
    faulty[:, _P] += rng.choice([-5.0, 5.0])
    return faulty


def _swapped(
    _true: Floats, hours: slice, others: Sequence[Floats], rng: np.random.Generator
) -> Floats:
    return others[int(rng.integers(len(others)))][hours]


def _old_humidity(
    true: Floats, hours: slice, _others: Sequence[Floats], _rng: np.random.Generator
) -> Floats:
    faulty = true[hours].copy()
    faulty[:, _H] = true[hours.start - 120 : hours.stop - 120, _H]
    return faulty


KINDS: Final = (
    Kind("swapped with another city", _swapped, 0.85, 0.65),
    Kind("temperature noise × 4", _noise, 0.85, 0.35),
    Kind("pressure ± 5 hPa", _offset, 0.0, 0.30),
    Kind("temperature drifts 0.5 K/h", _drift, 0.72, 0.20),
    Kind("humidity of 5 days before", _old_humidity),
)
