"""Values that another source, or a city close by, contradicts."""

import numpy as np

from citywx.weather.quality.observations import Floats


def at_times(hours: Floats, other_hours: Floats, other_values: Floats, within: float) -> Floats:
    """Another series at these times: linear between its values, none of them further off.

    >>> at_times(np.array([0.5, 9.0]), np.array([0.0, 1.0]), np.array([4.0, 8.0]), within=1.0)
    array([ 6., nan])
    """
    known = ~np.isnan(other_values)
    if not known.any():
        return np.full(len(hours), np.nan)
    times = other_hours[known]
    after = np.searchsorted(times, hours).clip(max=len(times) - 1)
    before = (after - 1).clip(min=0)
    distance = np.minimum(np.abs(times[after] - hours), np.abs(hours - times[before]))
    values = np.interp(hours, times, other_values[known])
    return np.where(distance <= within, values, np.nan)
