"""What change is usual here and now: by the city's climatology, and by the last day."""

from typing import Final

import numpy as np

from citywx.weather.quality.limits import MOST_RECENT_CHANGE, PRIOR_READINGS, ChangeLimits
from citywx.weather.quality.observations import Observations
from citywx.weather.quality.series import Floats, Series

_THOUSANDTHS: Final = 1000.0  # sums of whole numbers do not depend on where they start


def temperature_rises(seen: Observations, own: Series) -> Floats:
    """Less what the temperature usually does in this month at this hour."""
    trend = seen.climatology.trend[seen.months[own.rows], seen.hour_of_day[own.rows]]
    rises: Floats = own.rises - np.nan_to_num(trend) * own.elapsed
    return rises


def usual_change(seen: Observations, measure: str, limits: ChangeLimits) -> Floats:
    """The climatological change per √hour at each reading."""
    roughness = seen.climatology.roughness[measure][seen.months, seen.hour_of_day]
    known = np.where(np.isnan(roughness), limits.usual, roughness)
    return np.maximum(known, limits.smallest_usual)


def usual_here(seen: Observations, measure: str, every: Series, changes: Floats) -> Floats:
    """The usual change per √hour at the values of `every`: of the month and hour, and of late."""
    limits = seen.limits.changes(measure)
    climate = usual_change(seen, measure, limits)[every.rows]
    size = np.nan_to_num(np.abs(changes) / np.sqrt(every.elapsed))
    capped = np.minimum(size, MOST_RECENT_CHANGE * limits.smallest_usual)
    recent = _mean_before(every.hours, capped, climate, seen.limits.recent_hours)
    mean: Floats = np.sqrt(climate * np.maximum(recent, limits.smallest_usual))
    return mean


def _mean_before(hours: Floats, sizes: Floats, prior: Floats, span: float) -> Floats:
    """The mean of the sizes in the span before each, drawn towards `prior` where they are few."""
    sums = np.append(0, np.cumsum(np.rint(sizes * _THOUSANDTHS).astype("int64")))
    first = np.searchsorted(hours, hours - span)
    here = np.arange(len(hours))
    total = (sums[here] - sums[first]) / _THOUSANDTHS
    mean: Floats = (total + PRIOR_READINGS * prior) / (here - first + PRIOR_READINGS)
    return mean
