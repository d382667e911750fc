"""Stuck sensors: a value that repeats for longer than real weather lets it.

How long that is depends on the measure and on its resolution: whole degrees, per cent and hPa
repeat by chance, saturation holds in fog, and calms last. One reading sent again and again is not
seen here: it has one time, and is one reading.
"""

from dataclasses import dataclass

import numpy as np

from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.quality.observations import Observations
from citywx.weather.quality.series import Bools, Floats, Places, at_times, near
from citywx.weather.reading import MEASURES


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of equal values of a measure; without a reading for too long, a run ends."""

    rows: Places
    """Of all readings, those with a value."""
    of_row: Places
    """The run of each of these."""
    values: Floats
    """The value of each run."""
    first_hours: Floats
    """When each run begins."""
    hours: Floats
    """How long each run lasts."""
    lengths: Places
    """How many readings each has."""

    def on_rows(self, stuck: Bools, count: int) -> Bools:
        """The readings of these runs."""
        found = np.zeros(count, dtype=np.bool_)
        found[self.rows[stuck[self.of_row]]] = True
        return found


def temperature_stuck(seen: Observations) -> Bools:
    """Unchanged for hours; longer where the sensor seems to give whole degrees only."""
    limits = seen.limits
    runs = _runs(seen, "temperature_c")
    whole = runs.values % 1 == 0
    coarse = whole & np.append(False, whole[:-1]) & np.append(whole[1:], False)
    longest = np.where(coarse, limits.whole_degrees_stuck_hours, limits.temperature_stuck_hours)
    return _stuck(seen, runs, longest)


def humidity_stuck(seen: Observations) -> Bools:
    """Unchanged for long, or for less while the temperature moved.

    Saturation may last, but not while the air warms or cools as fog does not survive.
    """
    limits = seen.limits
    runs = _runs(seen, "humidity")
    moved = _spans(seen.measures["temperature_c"][runs.rows], runs) >= limits.warming_k
    below = np.where(moved, limits.humidity_stuck_while_warming_hours, limits.humidity_stuck_hours)
    saturated = runs.values >= limits.saturation_percent
    stuck = _stuck(seen, runs, np.where(saturated, np.inf, below))
    return stuck | _false_fog(seen, runs, saturated)


def _false_fog(seen: Observations, runs: Runs, saturated: Bools) -> Bools:
    """Saturation around a change of temperature within it that ends every fog."""
    limits = seen.limits
    hours, temperature = seen.hours[runs.rows], seen.measures["temperature_c"]
    span = limits.fog_survives_in_hours
    earlier = at_times(hours - span, seen.hours, temperature, limits.evidence_hours)
    lasting = saturated[runs.of_row] & (hours - runs.first_hours[runs.of_row] >= span)
    ended = lasting & (np.abs(temperature[runs.rows] - earlier) >= limits.fog_survives_k)
    doubted = near(hours, hours[ended], limits.fog_doubted_hours)
    same = np.isin(runs.of_row, runs.of_row[ended])
    found = np.zeros(len(seen.hours), dtype=np.bool_)
    found[runs.rows[doubted & same]] = True
    return found


def pressure_stuck(seen: Observations) -> Bools:
    """Unchanged for longer than whole hPa are by chance."""
    return _stuck(seen, _runs(seen, "pressure"), seen.limits.pressure_stuck_hours)


def wind_stuck(seen: Observations) -> Bools:
    """Unchanged, and no calm."""
    runs = _runs(seen, "wind_speed")
    calm = runs.values <= seen.limits.calm_m_s
    return _stuck(seen, runs, np.where(calm, np.inf, seen.limits.wind_stuck_hours))


def all_stuck(seen: Observations) -> Bools:
    """No measure changed, and nothing that was reported went missing."""
    table = np.stack([seen.measures[name] for name in MEASURES])
    reported = ~np.isnan(table)
    same = (table[:, 1:] == table[:, :-1]) | ~(reported[:, 1:] | reported[:, :-1])
    several = reported.sum(axis=0) > 1
    new = np.append(True, ~same.all(axis=0)) | ~several
    return _stuck(
        seen,
        _run_lengths(np.arange(len(new)), seen.hours, new, table[0]),
        seen.limits.all_stuck_hours,
    )


def _runs(seen: Observations, measure: str) -> Runs:
    values = seen.measures[measure]
    rows = np.flatnonzero(~np.isnan(values))
    known = values[rows]
    return _run_lengths(rows, seen.hours[rows], np.diff(known, prepend=np.nan) != 0, known)


def _run_lengths(rows: Places, hours: Floats, new: Bools, values: Floats) -> Runs:
    new = new | (np.diff(hours, prepend=-np.inf) > LONGEST_STEP_HOURS)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(rows))[: first.size] - 1
    begin = hours[first]
    lengths = last - first + 1
    return Runs(rows, np.cumsum(new) - 1, values[first], begin, hours[last] - begin, lengths)


def _spans(values: Floats, runs: Runs) -> Floats:
    """How far another measure went during each run; −∞ where it is not known."""
    if not values.size:
        return values
    first = np.flatnonzero(np.diff(runs.of_row, prepend=-1))
    known = ~np.isnan(values)
    greatest = np.maximum.reduceat(np.where(known, values, -np.inf), first)
    least = np.minimum.reduceat(np.where(known, values, np.inf), first)
    spans: Floats = greatest - least
    return spans


def _stuck(seen: Observations, runs: Runs, longest: float | Floats) -> Bools:
    stuck = (runs.hours >= longest) & (runs.lengths >= seen.limits.fewest_stuck)
    return runs.on_rows(stuck, len(seen.hours))
