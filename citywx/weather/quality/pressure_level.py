"""Pressure that jumps between levels: some feeds mix sea-level and station pressure.

The jumps alone are summed up: what the weather does in between is left out. Where this sum is off
the one that most readings of the surrounding days have, the reading is of another level.
"""

from typing import Final

import numpy as np

from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.quality.observations import Observations
from citywx.weather.quality.ranges import pressure_range
from citywx.weather.quality.series import Bools, Series, median_around, near, series
from citywx.weather.quality.units import pressure_unit

_THOUSANDTHS: Final = 1000.0  # sums of whole numbers do not depend on where they start


def pressure_level(seen: Observations) -> Bools:
    """Of another level than most readings around it."""
    limits = seen.limits
    own = _pressures(seen, ~seen.once(pressure_unit))
    least = np.maximum(
        limits.pressure_jump_hpa * np.sqrt(own.elapsed), limits.least_pressure_jump_hpa
    )
    jumps = np.where(np.abs(own.rises) > least, own.rises, 0.0)
    places = np.flatnonzero(near(own.hours, own.hours[jumps != 0], 2 * limits.pressure_level_hours))
    levels = np.cumsum(np.rint(jumps * _THOUSANDTHS))[places] / _THOUSANDTHS
    usual = median_around(own.hours[places], levels, limits.pressure_level_hours)
    off = np.zeros(len(jumps), dtype=np.bool_)
    off[places] = np.abs(levels - usual) > limits.pressure_level_hpa
    return own.mark(off, len(seen.hours))


def pressure_step(seen: Observations) -> Bools:
    """Further from the value before, of the right level, than pressure goes in that time."""
    limits = seen.limits
    trusted = ~seen.once(pressure_level) & ~seen.once(pressure_range)
    own = _pressures(seen, trusted)
    least = np.maximum(
        limits.pressure_step_hpa * np.sqrt(own.elapsed), limits.least_pressure_jump_hpa
    )
    return own.mark(np.abs(own.rises) > least, len(seen.hours))


def _pressures(seen: Observations, trusted: Bools) -> Series:
    return series(seen.hours, seen.measures["pressure"], trusted, LONGEST_STEP_HOURS)
