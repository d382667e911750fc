"""Values that another source, or a city close by, contradicts.

Which of two is wrong is not known: both are suspect. Another source differs by chance in one
reading, so the mean difference of two in a row counts.
"""

import numpy as np

from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.quality.observations import Observations
from citywx.weather.quality.series import Bools, before, median_around, series


def temperature_disagrees(seen: Observations) -> Bools:
    """Off the other source's temperature, K."""
    return _disagrees(seen, "temperature_c", seen.limits.temperature_difference_k)


def humidity_disagrees(seen: Observations) -> Bools:
    """Off the other source's humidity, %."""
    return _disagrees(seen, "humidity", seen.limits.humidity_difference_percent)


def pressure_disagrees(seen: Observations) -> Bools:
    """Off the other source's pressure, hPa."""
    return _disagrees(seen, "pressure", seen.limits.pressure_difference_hpa)


def nearby_disagrees(seen: Observations) -> Bools:
    """Off the city nearby by far more, or less, than it is around this time."""
    difference = seen.measures["temperature_c"] - seen.nearby_c
    known = np.flatnonzero(~np.isnan(difference))
    found = np.zeros(len(seen.hours), dtype=np.bool_)
    if known.size:
        around = median_around(seen.hours[known], difference[known], seen.limits.nearby_hours)
        found[known] = np.abs(difference[known] - around) > seen.limits.nearby_change_k
    return found


def _disagrees(seen: Observations, measure: str, limit: float) -> Bools:
    difference = seen.measures[measure] - seen.others[measure]
    own = series(seen.hours, difference, np.isfinite(difference), LONGEST_STEP_HOURS)
    alone = np.isnan(own.elapsed)
    mean = np.where(alone, own.values, (own.values + before(own.values)) / 2)
    off = (np.abs(mean) > limit) & (np.abs(own.values) > limit / 2)
    return own.mark(off, len(seen.hours))
