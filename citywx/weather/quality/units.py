"""Values in another unit, and temperatures without their minus sign.

A temperature that jumps, and is continuous with the one before once it is converted, is in the
wrong unit, and so are those after it until one jumps back. A pressure shows its unit by its size.
"""

import numpy as np

from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.quality.observations import Observations
from citywx.weather.quality.series import (
    Bools,
    Floats,
    Series,
    before,
    least_change,
    series,
    warming_explained,
)
from citywx.weather.quality.usual import temperature_rises, usual_change


def fahrenheit(seen: Observations) -> Bools:
    """Since a jump that is none from °C to °F, and nearer to the value before it if converted."""
    limits = seen.limits
    own = _temperatures(seen)
    converted = (own.values - 32) / 1.8
    earlier, converted_earlier = before(own.values), before(converted)
    root = np.sqrt(own.elapsed)
    jump = np.abs(own.rises) >= limits.unit_jump_k
    begins = jump & (np.abs(converted - earlier) <= limits.unit_continuity_k * root)
    ends = jump & (np.abs(own.values - converted_earlier) <= limits.unit_continuity_k * root)
    begins &= own.values > earlier
    anchor, lasting = _since(begins, ends & (own.values < earlier), own, earlier, limits.unit_hours)
    nearer = np.abs(converted - anchor) < np.abs(own.values - anchor)
    return own.mark(lasting & nearer, len(seen.hours))


def sign_dropped(seen: Observations) -> Bools:
    """Since a jump from below zero to as far above, until one back or it can be so no more.

    Near zero the sign does not show, and far above it the true value would be far colder.
    """
    limits = seen.limits
    own = _temperatures(seen)
    earlier = before(own.values)
    root = np.sqrt(own.elapsed)
    usual = usual_change(seen, "temperature_c", limits.temperature_change)[own.rows]
    rises = temperature_rises(seen, own)
    unexplained = rises - warming_explained(seen.measures["humidity"][own.rows])
    change = least_change(rises, unexplained)
    unusual = np.abs(change) >= limits.sign_jump_score * usual * root
    mirrored = np.abs(own.values + earlier) <= limits.sign_continuity_k * root
    jump = (np.abs(change) >= limits.sign_jump_k) & unusual & mirrored
    begins = jump & (own.values > 0)
    ends = (jump & (own.values < 0)) | (own.values < limits.sign_ends_below_c)
    anchor, _ = _since(begins, ends, own, earlier, limits.unit_hours)
    ends |= own.values + anchor > limits.sign_ends_colder_k
    _, lasting = _since(begins, ends, own, earlier, limits.unit_hours)
    return own.mark(lasting, len(seen.hours))


def pressure_unit(seen: Observations) -> Bools:
    """As large as pressures are in inches of mercury, kilopascal or pascal."""
    pressure = seen.measures["pressure"]
    units = (seen.limits.inches_of_mercury, seen.limits.kilopascal, seen.limits.pascal)
    found: Bools = np.logical_or.reduce(
        [(pressure >= low) & (pressure <= high) for low, high in units]
    )
    return found


def _temperatures(seen: Observations) -> Series:
    """All of them: in °F many are beyond the hard range."""
    values = seen.measures["temperature_c"]
    return series(seen.hours, values, np.isfinite(values), LONGEST_STEP_HOURS)


def _since(
    begins: Bools, ends: Bools, own: Series, earlier: Floats, longest: float
) -> tuple[Floats, Bools]:
    """The value before the latest beginning, and whether that still lasts: no end, nor too long."""
    here = np.arange(len(begins))
    begun = np.maximum.accumulate(np.where(begins, here, -1))
    ended = np.maximum.accumulate(np.where(ends, here, -1))
    start = begun.clip(min=0)
    lasting = (begun > ended) & (own.hours - own.hours[start] < longest)
    return earlier[start], lasting
