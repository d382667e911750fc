"""From the histories of cities to their models. Reading histories belongs to the warehouse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.anomalies.calibration import lowest_threshold
from citywx.weather.anomalies.channels import (
    MEAN_RARITY,
    WEARS_OFF_HOURS,
    Channel,
    LearntChannel,
    channels_of,
)
from citywx.weather.anomalies.fitting import aligned, fit_differences, fit_normal
from citywx.weather.anomalies.history import History
from citywx.weather.anomalies.model import RATES, CityModel
from citywx.weather.anomalies.normal import HOURS, Normal
from citywx.weather.anomalies.rarity import learn_rarity
from citywx.weather.anomalies.signals import CitySignals

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

LEAST_DAYS: Final = 30
_WARM_UP_DAYS: Final = 10
_FOLDS: Final = 5
_ALLOWED: Final = 1.75
"""Times the stated rate that a history may alarm when each part of it is judged by the others."""
_OWN: Final = 0.5
"""Of a threshold; the rest is the median of all cities: one city shows little of what is rare."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What came of a training."""

    models: Mapping[str, CityModel]
    without: Mapping[str, str]
    """Why a city has no model."""


def learn_cities(
    histories: Mapping[str, History], near: Mapping[str, Sequence[str]] | None = None
) -> Learnt:
    """The model of each city whose history is long enough.

    `near`: for each city the names of histories that it may be compared with; one that stands for
    another source of a city is compared with, and gets no model.
    """
    near = near or {}
    sources = {other for others in near.values() for other in others} - near.keys()
    wanted = {name: own for name, own in histories.items() if name not in sources}
    reasons = {name: own.too_little(LEAST_DAYS) for name, own in wanted.items()}
    learnt = {
        name: learn_city(own, {other: histories[other] for other in near.get(name, ())})
        for name, own in wanted.items()
        if not reasons[name]
    }
    return Learnt(share_thresholds(learnt), {name: why for name, why in reasons.items() if why})


def learn_city(own: History, near: Mapping[str, History]) -> CityModel:
    """One city's, with thresholds of its own history alone."""
    normal = replace(fit_normal(own), differences=fit_differences(own, near))
    warm_up = _WARM_UP_DAYS * HOURS // own.cadence
    rows = _signals(own, normal, near)[warm_up:]
    channels = channels_of(normal)
    scores = _scores_of_unseen(channels, rows, own.slots[warm_up:], own.cadence)
    hours = own.slots[warm_up:] * own.cadence
    return CityModel(
        normal=normal,
        channels=tuple(_learn(channel, rows) for channel in channels),
        thresholds=tuple(lowest_threshold(hours, scores, rate * _ALLOWED) for rate in RATES),
        first=own.time(0),
        last=own.time(-1),
        readings=len(own.slots),
    )


def share_thresholds(models: Mapping[str, CityModel]) -> dict[str, CityModel]:
    """The same with thresholds drawn towards the median of all cities."""
    if not models:
        return {}
    middle = np.median([one.thresholds for one in models.values()], axis=0)
    return {
        name: replace(
            one,
            thresholds=tuple((_OWN * np.array(one.thresholds) + (1 - _OWN) * middle).tolist()),
        )
        for name, one in models.items()
    }


def _signals(own: History, normal: Normal, near: Mapping[str, History]) -> Floats:
    """The rows of signals, as they come reading by reading."""
    city = CitySignals(normal)
    beside = np.stack(
        [aligned(own, near[one.neighbour])[:, one.measure] for one in normal.differences]
        or [np.empty(len(own.slots))],
        axis=1,
    )[:, : len(normal.differences)]
    before = np.vstack([np.full((1, beside.shape[1]), np.nan), beside[:-1]])
    readings = zip(own.slots.tolist(), own.values.tolist(), before.tolist(), strict=True)
    return np.array([city.advance(*reading) for reading in readings])


def _learn(channel: Channel, rows: Floats) -> LearntChannel:
    """What is usual of a channel's signal, and how rare each value of what is left is."""
    signal, causes = rows[:, channel.place], rows[:, list(channel.causes)]
    if not channel.causes:
        return LearntChannel(0.0, (), learn_rarity(_sided(channel, signal)))
    known = np.isfinite(signal) & np.isfinite(causes).all(axis=1)
    means = causes[known].mean(axis=0) if known.any() else np.zeros(len(channel.causes))
    design = np.column_stack([causes[known] - means, np.ones(known.sum())])
    *coefficients, usual = np.linalg.lstsq(design, signal[known], rcond=None)[0].tolist()
    explained = tuple(zip(channel.causes, coefficients, means.tolist(), strict=True))
    return LearntChannel(usual, explained, learn_rarity(_left(channel, usual, explained, rows)))


def _left(
    channel: Channel, usual: float, causes: Sequence[tuple[int, float, float]], rows: Floats
) -> Floats:
    """What `LearntChannel.unexplained` gives, of all rows."""
    left = rows[:, channel.place] - usual
    for place, coefficient, mean in causes:
        left -= coefficient * np.nan_to_num(rows[:, place] - mean)
    return _sided(channel, left)


def _sided(channel: Channel, left: Floats) -> Floats:
    return np.abs(left) if channel.two_sided else left


def _scores_of_unseen(
    channels: Sequence[Channel], rows: Floats, slots: Places, cadence: int
) -> Floats:
    """The score of each row by what was learnt from the other parts of the history.

    Scores of rows that were learnt from are too low, and a threshold made of them too.
    """
    part = np.arange(len(rows)) * _FOLDS // len(rows)
    rarities = np.empty((len(rows), len(channels)))
    for fold in range(_FOLDS):
        unseen = part == fold
        for place, channel in enumerate(channels):
            learnt = _learn(channel, rows[~unseen])
            left = _left(channel, learnt.usual, learnt.causes, rows[unseen])
            rarities[unseen, place] = [learnt.rarity.of(value) for value in left.tolist()]
    odds = 10 ** _news(slots, cadence, rarities) @ [channel.weight for channel in channels]
    scores: Floats = np.log10(odds)
    return scores


def _news(slots: Places, cadence: int, rarities: Floats) -> Floats:
    """What `news` leaves of each channel's rarities, reading by reading."""
    left = np.empty_like(rarities)
    means = np.full(rarities.shape[1], MEAN_RARITY)
    keeps = np.exp(-cadence / WEARS_OFF_HOURS) ** np.diff(slots, prepend=slots[0] - 1)
    for row, keep in enumerate(keeps.tolist()):
        left[row] = np.maximum(rarities[row] - np.maximum(means - MEAN_RARITY, 0), 0)
        means = means * keep + rarities[row] * (1 - keep)
    return left
