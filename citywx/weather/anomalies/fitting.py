"""Learning what is normal from a city's history. Robust: the faults in a history do not make it."""

import math
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.anomalies.history import History
from citywx.weather.anomalies.normal import (
    HOURS,
    LEARNING,
    RESOLUTION,
    Difference,
    MeasureNormal,
    Normal,
)

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_FEWEST_CHANGES: Final = 48
_FEWEST_OF_HOUR: Final = 20
_TINY: Final = 1e-6
COMPARED: Final = 3  # measures; wind is too local
_TOLD: Final = 0.5  # of a measure's variation
_ROUNDS: Final = 8
_SPREAD_OF_MEDIAN: Final = 1.4826  # a normal distribution's standard deviation


def fit_normal(own: History) -> Normal:
    """What is normal in a city, compared with no other."""
    return Normal(
        own.cadence,
        tuple(
            _fit_measure(own.slots, own.values[:, place], resolution, own.cadence)
            for place, resolution in enumerate(RESOLUTION)
        ),
    )


def fit_differences(own: History, near: Mapping[str, History]) -> tuple[Difference, ...]:
    """For each measure the difference from the neighbour that tells most of it, if one does."""
    found = (_closest(own, near, measure) for measure in range(COMPARED))
    return tuple(difference for difference in found if difference is not None)


def _closest(own: History, near: Mapping[str, History], measure: int) -> Difference | None:
    mine = own.values[:, measure]
    left = {
        name: mine - aligned(own, other)[:, measure]
        for name, other in near.items()
        if other.cadence == own.cadence
    }
    told = {name: _told(own, mine, values) for name, values in left.items()}
    name = max(told, key=lambda one: told[one], default="")
    if told.get(name, 0.0) < _TOLD:
        return None
    normal = _fit_measure(own.slots, left[name], RESOLUTION[measure], own.cadence)
    return Difference(measure, name, normal)


def _told(history: History, own: Floats, left: Floats) -> float:
    """What share of a measure's variation another series tells, where so much is `left` of it."""
    hours = history.slots * history.cadence % HOURS
    mine, others = (_deviations(hours, one, 2 * _deviation(one))[0] for one in (own, left))
    known = np.isfinite(mine) & np.isfinite(others)
    if known.sum() < _FEWEST_CHANGES:
        return 0.0
    alone, beside = (float(np.median(np.abs(one[known]))) for one in (mine, others))
    return 1 - (beside / max(alone, _TINY)) ** 2


def aligned(own: History, other: History) -> Floats:
    """The other's values in our slots; not a number where it has none."""
    places = np.searchsorted(other.slots, own.slots)
    places[places == len(other.slots)] = 0
    same = other.slots[places] == own.slots
    return np.where(same[:, None], other.values[places], np.nan)


def _fit_measure(slots: Places, values: Floats, resolution: float, cadence: int) -> MeasureNormal:
    hours = slots * cadence % HOURS
    reach = max(2 * _deviation(values), resolution)
    away, usual = _deviations(hours, values, reach)
    momentum, pull, unforeseen = _fit_changes(slots, away)
    size = _by_hour(hours, unforeseen, cadence, _size)
    floor = resolution**2 / 6  # the variance of the difference of two rounded values
    bend = _bends(slots, values)
    bend_middle = _by_hour(hours, bend, 0, _median)
    bend_size = _by_hour(hours, bend - bend_middle[hours], cadence, _spread)
    return MeasureNormal(
        usual=tuple(usual.tolist()),
        reach=reach,
        momentum=momentum,
        pull=pull,
        change=tuple(np.sqrt(size**2 + floor).tolist()),
        bend=tuple(bend_middle.tolist()),
        bend_size=tuple((bend_size + resolution / 2).tolist()),
    )


def _deviations(hours: Places, values: Floats, reach: float) -> tuple[Floats, Floats]:
    """Of each value from what was usual at its hour when it came; and what is usual at the end."""
    middle = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    usual: list[float | None] = [None] * HOURS
    away = np.full(len(values), np.nan)
    for place, (hour, value) in enumerate(zip(hours.tolist(), values.tolist(), strict=True)):
        if math.isnan(value):
            continue
        known = usual[hour]
        if known is None:
            usual[hour] = value
            continue
        away[place] = value - known
        usual[hour] = known + LEARNING * min(max(value - known, -reach), reach)
    return away, np.array([middle if known is None else known for known in usual])


def _deviation(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.std(known)) if len(known) else 0.0


def _fit_changes(slots: Places, away: Floats) -> tuple[float, float, Floats]:
    """Momentum and pull, and what they leave unforeseen of each deviation's change."""
    change = _since_last_slot(slots, away)
    earlier, start = _of_last_slot(slots, change), _of_last_slot(slots, away)
    known = np.isfinite(change) & np.isfinite(earlier) & np.isfinite(start)
    causes, effect = np.stack([earlier, start], axis=1)[known], change[known]
    if len(effect) < _FEWEST_CHANGES:
        return 0.0, 0.0, change
    weight, (momentum, pull) = np.ones(len(effect)), (0.0, 0.0)
    for _ in range(_ROUNDS):
        root = np.sqrt(weight)
        momentum, pull = np.linalg.lstsq(causes * root[:, None], effect * root, rcond=None)[0]
        left = effect - causes @ (momentum, pull)
        size = _SPREAD_OF_MEDIAN * float(np.median(np.abs(left))) + _TINY
        weight = 1 / (1 + (left / (2 * size)) ** 2)
    unforeseen = change - momentum * np.nan_to_num(earlier) - pull * start
    return float(momentum), float(pull), unforeseen


def _bends(slots: Places, values: Floats) -> Floats:
    """Second differences of three readings in a row."""
    change = _since_last_slot(slots, values)
    return change - _of_last_slot(slots, change)


def _since_last_slot(slots: Places, values: Floats) -> Floats:
    return values - _of_last_slot(slots, values)


def _of_last_slot(slots: Places, values: Floats) -> Floats:
    """The element before each, where it is of the slot before; else not a number."""
    before = np.full(len(values), np.nan)
    before[1:] = np.where(np.diff(slots) == 1, values[:-1], np.nan)
    return before


def _by_hour(
    hours: Places, values: Floats, near: int, summary: Callable[[Floats], float]
) -> Floats:
    """A summary of the values at each hour and those `near` to it; of all, where there are few."""
    known = np.isfinite(values)
    overall = summary(values[known]) if known.any() else 0.0
    found = np.full(HOURS, overall)
    for hour in range(HOURS):
        close = known & np.isin((hours - hour) % HOURS, (0, near, HOURS - near))
        if close.sum() >= _FEWEST_OF_HOUR:
            found[hour] = summary(values[close])
    return found


def _median(values: Floats) -> float:
    return float(np.median(values))


def _spread(values: Floats) -> float:
    """Robust standard deviation of values around 0."""
    return _SPREAD_OF_MEDIAN * float(np.median(np.abs(values)))


def _size(values: Floats) -> float:
    """Root mean square, with what lies beyond four robust standard deviations drawn in."""
    limit = 4 * _spread(values)
    return float(np.sqrt(np.mean(np.minimum(np.abs(values), limit) ** 2)))
