"""Spikes and steps: values further from their neighbours in time than weather goes.

A spike stands out from the readings before and after it; the verdict comes one reading late. A
step is judged at once, and believed when it stays. Both are measured against what is usual in this
city, month and hour, and against the last day: a feed that always jumps raises few flags.
"""

from dataclasses import dataclass

import numpy as np

from citywx.weather.quality.limits import LONGEST_STEP_HOURS, ChangeLimits
from citywx.weather.quality.observations import Observations
from citywx.weather.quality.ranges import humidity_range, temperature_range, wind_range
from citywx.weather.quality.series import (
    Bools,
    Floats,
    Places,
    Series,
    after,
    least_change,
    moistening_explained,
    series,
    warming_explained,
)
from citywx.weather.quality.units import fahrenheit, sign_dropped
from citywx.weather.quality.usual import temperature_rises, usual_here


@dataclass(frozen=True, eq=False)
class Changes:
    """How one measure changes, as against what is usual; one element a value of `series`."""

    series: Series
    rises: Floats
    """From the value before, less the usual course of the day."""
    unexplained: Floats
    """Less what another measure explains."""
    usual: Floats
    """Per √hour; geometric mean of the climatological and the last day's."""
    limits: ChangeLimits


def temperature_changes(seen: Observations) -> Changes:
    """Warming and cooling, K, less the usual of the hour; partly explained by humidity."""
    possible = ~seen.once(temperature_range)
    every = _series(seen, "temperature_c", possible)
    usual = usual_here(seen, "temperature_c", every, temperature_rises(seen, every))
    trusted = possible & ~seen.once(fahrenheit) & ~seen.once(sign_dropped)
    own = _series(seen, "temperature_c", trusted)
    rises = temperature_rises(seen, own)
    unexplained = rises - warming_explained(seen.measures["humidity"][own.rows])
    limits = seen.limits.temperature_change
    return Changes(own, rises, unexplained, usual[np.searchsorted(every.rows, own.rows)], limits)


def humidity_changes(seen: Observations) -> Changes:
    """Changes of relative humidity, %, partly explained by those of temperature."""
    own = _series(seen, "humidity", ~seen.once(humidity_range))
    explained = moistening_explained(own.values, seen.measures["temperature_c"][own.rows])
    unexplained = own.rises - explained
    limits = seen.limits.humidity_change
    return Changes(
        own, own.rises, unexplained, usual_here(seen, "humidity", own, unexplained), limits
    )


def wind_changes(seen: Observations) -> Changes:
    """Changes of wind speed, m/s."""
    own = _series(seen, "wind_speed", ~seen.once(wind_range))
    limits = seen.limits.wind_change
    return Changes(
        own, own.rises, own.rises, usual_here(seen, "wind_speed", own, own.rises), limits
    )


def temperature_spike(seen: Observations) -> Bools:
    """Stands out from both neighbours, by more than is usual and than humidity explains."""
    changes = seen.once(temperature_changes)
    return changes.series.mark(_spikes(changes), len(seen.hours))


def humidity_spike(seen: Observations) -> Bools:
    """The same, with temperature to explain it."""
    changes = seen.once(humidity_changes)
    return changes.series.mark(_spikes(changes), len(seen.hours))


def wind_spike(seen: Observations) -> Bools:
    """Stronger than before and after; lulls are real."""
    changes = seen.once(wind_changes)
    gusty = changes.rises > 0
    return changes.series.mark(_spikes(changes) & gusty, len(seen.hours))


def temperature_step(seen: Observations) -> Bools:
    """Off the value before by more than is usual, until it is believed."""
    changes = seen.once(temperature_changes)
    return changes.series.mark(_steps(changes, seen), len(seen.hours))


def humidity_step(seen: Observations) -> Bools:
    """The same."""
    changes = seen.once(humidity_changes)
    return changes.series.mark(_steps(changes, seen), len(seen.hours))


def _spikes(changes: Changes) -> Bools:
    """Least of the two flanks and of the curvature, all three of one sign.

    The curvature is the mean of the flanks less what the other measure explains.
    """
    root = np.sqrt(changes.series.elapsed)
    left, right = changes.rises, -after(changes.rises)
    least = least_change(left, right)
    flanks = least_change(left / root, right / after(root))
    curvature = (changes.unexplained / root - after(changes.unexplained / root)) / 2
    score = np.abs(least_change(flanks, curvature)) / changes.usual
    limits = changes.limits
    return (score > limits.spike) & (np.abs(least) >= limits.least_spike)


def _steps(changes: Changes, seen: Observations) -> Bools:
    """Jumps that are no spike and no return from one, and what stays beyond for a while."""
    limits = changes.limits
    own = changes.series
    change = least_change(changes.rises, changes.unexplained)
    score = np.abs(change) / np.sqrt(own.elapsed) / changes.usual
    spikes = _spikes(changes)
    after_spike = np.append(False, spikes[:-1])
    jumps = (score > limits.step) & (np.abs(change) >= limits.least_step) & ~spikes & ~after_spike
    return _until_believed(jumps, own, seen.limits.step_accepted_after_hours)


def _until_believed(jumps: Bools, own: Series, hours: float) -> Bools:
    """From each jump on, while the values stay more than half of it away, for so many hours."""
    places = np.flatnonzero(jumps)
    places = places[~_returns(places, own, hours)]
    if not places.size:
        return np.zeros(len(jumps), dtype=np.bool_)
    latest = np.searchsorted(places, np.arange(len(jumps)), side="right") - 1
    start = places[latest.clip(min=0)]
    base, height = own.values[start - 1], own.values[start] - own.values[start - 1]
    beyond = (own.values - base) * np.sign(height) > np.abs(height) / 2
    held: Bools = (latest >= 0) & beyond & (own.hours - own.hours[start] < hours)
    return held


def _returns(places: Places, own: Series, hours: float) -> Bools:
    """Which of these jumps lead back to where the jump before it, just now, began."""
    start, end = own.values[places - 1], own.values[places]
    close = np.diff(own.hours[places], prepend=-np.inf) <= hours
    origin = np.append(np.nan, start[:-1])
    back: Bools = np.abs(end - origin) < np.abs(end - start) / 2
    return close & back


def _series(seen: Observations, measure: str, trusted: Bools) -> Series:
    return series(seen.hours, seen.measures[measure], trusted, LONGEST_STEP_HOURS)
