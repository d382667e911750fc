"""One variable of one city over time, as arrays: the only input that forecasts have."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]

_LONGEST_GAP = 6 * 3600.0
"""Seconds without a value after which the mean of a day is not known."""
_FEWEST_IN_A_DAY = 4


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Values in order of time: no gap is filled, nothing is missing or doubled."""

    times: FloatArray
    """POSIX seconds, strictly ascending."""
    values: FloatArray

    @classmethod
    def of(cls, readings: pd.DataFrame, variable: str) -> Self:
        """The finite values of one variable of one city's readings (`timestamp` aware)."""
        known = readings[np.isfinite(readings[variable].astype("float64"))]
        known = known.sort_values("timestamp").drop_duplicates("timestamp", keep="last")
        stamps = pd.DatetimeIndex(known["timestamp"]).tz_convert("UTC").tz_localize(None)
        seconds = stamps.to_numpy("datetime64[us]").astype("int64") / 1e6
        return cls(seconds, known[variable].to_numpy("float64"))

    def __len__(self) -> int:
        """Number of values."""
        return len(self.times)

    def until(self, moment: float) -> Self:
        """What was known at that moment."""
        return self._slice(0, int(np.searchsorted(self.times, moment, side="right")))

    def last(self, count: int) -> Self:
        """The newest `count` values."""
        return self._slice(max(0, len(self) - count), len(self))

    def thinned(self, spacing: float) -> Self:
        """The newest value of each `spacing` seconds, counted back from the newest one."""
        if not len(self):
            return self
        span = np.floor((self.times[-1] - self.times) / spacing)
        kept = np.append(span[1:] != span[:-1], True)
        return type(self)(self.times[kept], self.values[kept])

    def following(self, moment: float) -> tuple[float, float] | None:
        """Time and value of the first one after a moment."""
        index = int(np.searchsorted(self.times, moment, side="right"))
        return None if index == len(self) else (float(self.times[index]), float(self.values[index]))

    def nearest(self, moment: float, tolerance: float) -> float | None:
        """The value nearest to a moment, at most `tolerance` seconds from it."""
        if not len(self):
            return None
        index = int(np.argmin(np.abs(self.times - moment)))
        near = abs(self.times[index] - moment) <= tolerance
        return float(self.values[index]) if near else None

    def mean_between(self, start: float, end: float) -> float | None:
        """The mean over time (trapezoidal, so that dense stretches weigh no more), or None.

        None where more than 6 h of the span hold no value.
        """
        low, high = np.searchsorted(self.times, (start, end))
        times, values = self.times[low : high + 1], self.values[low : high + 1]
        times, values = times[times <= end], values[times <= end]
        if len(times) < _FEWEST_IN_A_DAY:
            return None
        if np.max(np.diff(times, prepend=start, append=end)) > _LONGEST_GAP:
            return None
        return float(np.trapezoid(values, times) / (times[-1] - times[0]))

    @property
    def step(self) -> float:
        """The usual time from one value to the next (median), in seconds."""
        return float(np.median(np.diff(self.times)))

    def _slice(self, low: int, high: int) -> Self:
        return type(self)(self.times[low:high], self.values[low:high])
