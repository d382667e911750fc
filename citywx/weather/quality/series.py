"""One measure in time: the values that count, and how far each is from the one before.

What is far is not judged here. Where two measures go together, a change is also given less the
part that the other explains: air that warms by 1 K at the same dew point loses about 6 % of its
relative humidity (the slope of saturation vapour pressure, WMO-No. 8).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citywx.weather.quality.limits import (
    DRIEST_EXPLAINING,
    HUMIDITY_PER_K,
    LONGEST_STEP_HOURS,
    SHARE_EXPLAINED,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Places = NDArray[np.intp]

_SECONDS_PER_HOUR: Final = 3600


@dataclass(frozen=True, eq=False)
class Series:
    """The values of one measure that count, in the order of time."""

    rows: Places
    """Where each stands among all readings."""
    hours: Floats
    values: Floats
    elapsed: Floats
    """Hours since the value before; not a number where there is none close enough."""

    @property
    def rises(self) -> Floats:
        """The change from the value before, in the measure's unit."""
        changes = np.diff(self.values, prepend=np.nan)
        changes[np.isnan(self.elapsed)] = np.nan
        return changes

    def mark(self, which: Bools, count: int) -> Bools:
        """Of `count` readings, those where `which` of these values stand."""
        marked = np.zeros(count, dtype=np.bool_)
        marked[self.rows[which]] = True
        return marked


def series(hours: Floats, values: Floats, trusted: Bools, longest_step: float) -> Series:
    """The known values that are trusted; those further apart than `longest_step` h stand alone."""
    rows = np.flatnonzero(trusted & ~np.isnan(values))
    elapsed = np.diff(hours[rows], prepend=np.nan)
    elapsed[elapsed > longest_step] = np.nan
    return Series(rows, hours[rows], values[rows], elapsed)


def warming_explained(humidity: Floats) -> Floats:
    """The change of temperature, K, that goes with each change of humidity; 0 where unknown."""
    logarithms = np.log(np.maximum(humidity, DRIEST_EXPLAINING))
    explained = -SHARE_EXPLAINED * np.diff(logarithms, prepend=np.nan) / HUMIDITY_PER_K
    return np.nan_to_num(explained)


def moistening_explained(humidity: Floats, temperature: Floats) -> Floats:
    """The change of humidity, %, that goes with each change of temperature; 0 where unknown."""
    middle = (humidity + before(humidity)) / 2
    warming = np.diff(temperature, prepend=np.nan)
    return np.nan_to_num(-SHARE_EXPLAINED * HUMIDITY_PER_K * middle * warming)


def before(values: Floats) -> Floats:
    """The value before each."""
    return np.append(np.nan, values[:-1])


def after(values: Floats) -> Floats:
    """The value after each."""
    return np.append(values[1:], np.nan)


def median_around(hours: Floats, values: Floats, span: float) -> Floats:
    """The median of the values within `span` hours to each side, in the order of time.

    >>> median_around(np.arange(5.0), np.array([1.0, 1.0, 9.0, 1.0, 1.0]), span=2.0)
    array([1., 1., 1., 1., 1.])
    """
    times = pd.DatetimeIndex(np.rint(hours * _SECONDS_PER_HOUR).astype("datetime64[s]"))
    window = pd.Timedelta(hours=2 * span)
    rolling = pd.Series(values, index=times).rolling(window, center=True, closed="both")
    return rolling.median().to_numpy()


def least_change(one: Floats, other: Floats) -> Floats:
    """The smaller of two that go the same way; 0 where they do not."""
    smaller = np.minimum(np.abs(one), np.abs(other))
    least: Floats = np.where(one * other > 0, np.sign(one) * smaller, 0.0)
    return least


def at_times(hours: Floats, other_hours: Floats, other_values: Floats, within: float) -> Floats:
    """Another series at these times: linear between its values, none of them further off.

    >>> at_times(np.array([0.5, 9.0]), np.array([0.0, 1.0]), np.array([4.0, 8.0]), within=1.0)
    array([ 6., nan])
    """
    known = ~np.isnan(other_values)
    if not known.any():
        return np.full(len(hours), np.nan)
    times = other_hours[known]
    right = np.searchsorted(times, hours).clip(max=len(times) - 1)
    left = (right - 1).clip(min=0)
    to_right, to_left = np.abs(times[right] - hours), np.abs(hours - times[left])
    values = other_values[known]
    nearest = np.where(to_right < to_left, values[right], values[left])
    between = np.interp(hours, times, values)
    told = np.where(times[right] - times[left] <= LONGEST_STEP_HOURS, between, nearest)
    return np.where(np.minimum(to_right, to_left) <= within, told, np.nan)


def near(hours: Floats, events: Floats, span: float) -> Bools:
    """Which are at most `span` hours from an event; both in order.

    >>> near(np.arange(4.0), np.array([0.5]), span=1.0)
    array([ True,  True, False, False])
    """
    if not events.size:
        return np.zeros(len(hours), dtype=np.bool_)
    right = np.searchsorted(events, hours)
    to_right = np.abs(events[right.clip(max=len(events) - 1)] - hours)
    to_left = np.abs(hours - events[(right - 1).clip(min=0)])
    close: Bools = np.minimum(to_right, to_left) <= span
    return close
