"""Values that cannot be: outside what was ever measured on Earth, or ever credible in the city."""

import numpy as np

from citywx.weather.quality.observations import Observations
from citywx.weather.quality.series import Bools, Floats


def temperature_range(seen: Observations) -> Bools:
    """Outside the hard range, °C."""
    return _impossible(seen, "temperature_c")


def humidity_range(seen: Observations) -> Bools:
    """Outside the hard range, %."""
    return _impossible(seen, "humidity")


def pressure_range(seen: Observations) -> Bools:
    """Outside the hard range, hPa at sea level."""
    return _impossible(seen, "pressure")


def wind_range(seen: Observations) -> Bools:
    """Outside the hard range, m/s."""
    return _impossible(seen, "wind_speed")


def temperature_climate(seen: Observations) -> Bools:
    """Outside what is credible in this city and month, °C."""
    return _incredible(seen, "temperature_c")


def pressure_climate(seen: Observations) -> Bools:
    """The same, hPa."""
    return _incredible(seen, "pressure")


def wind_climate(seen: Observations) -> Bools:
    """Stronger than is credible in this city and month, m/s."""
    return _incredible(seen, "wind_speed")


def outside(values: Floats, low: float | Floats, high: float | Floats) -> Bools:
    """Below or above; what is not known is not outside."""
    below: Bools = np.less(values, low)
    return below | np.greater(values, high)


def _impossible(seen: Observations, measure: str) -> Bools:
    return outside(seen.measures[measure], *seen.limits.hard_range(measure))


def _incredible(seen: Observations, measure: str) -> Bools:
    low, high = seen.climatology.low[measure], seen.climatology.high[measure]
    return outside(seen.measures[measure], low[seen.months], high[seen.months])
