"""Values that cannot be: outside what was ever measured on Earth."""

import numpy as np

from citywx.weather.quality.observations import Bools, Floats, Observations


def temperature_range(seen: Observations) -> Bools:
    """Outside the hard range, °C."""
    return outside(seen.measures["temperature_c"], *seen.limits.hard_range("temperature_c"))


def humidity_range(seen: Observations) -> Bools:
    """Outside the hard range, %."""
    return outside(seen.measures["humidity"], *seen.limits.hard_range("humidity"))


def pressure_range(seen: Observations) -> Bools:
    """Outside the hard range, hPa at sea level."""
    return outside(seen.measures["pressure"], *seen.limits.hard_range("pressure"))


def wind_range(seen: Observations) -> Bools:
    """Outside the hard range, m/s."""
    return outside(seen.measures["wind_speed"], *seen.limits.hard_range("wind_speed"))


def outside(values: Floats, low: float | Floats, high: float | Floats) -> Bools:
    """Below or above; what is not known is not outside."""
    below: Bools = np.less(values, low)
    return below | np.greater(values, high)
