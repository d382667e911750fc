"""One city in the stream: its model, its memory, and whether it alarms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from citywx.weather.anomalies.channels import (
    ALONE,
    MEAN_RARITY,
    WEARS_OFF_HOURS,
    channels_of,
    news,
    score_of,
)
from citywx.weather.anomalies.explaining import explain
from citywx.weather.anomalies.memory import pack, unpack
from citywx.weather.anomalies.model import CityModel
from citywx.weather.anomalies.neighbours import Heard, Values
from citywx.weather.anomalies.signals import CitySignals

CLEARS_BELOW: Final = 0.5
"""An alarm ends when its score is so far below the threshold: at a third of the odds."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the score says of one reading."""

    score: float
    """The logarithm of the odds against a usual reading of this city looking so."""
    threshold: float
    """Above it an alarm begins."""


class CityScorer:
    """The memory of one city."""

    __slots__ = (
        "_channels",
        "_keep",
        "_looks",
        "_means",
        "_signals",
        "_weights",
        "_weights_alone",
        "alarming",
        "details",
        "latest",
        "threshold",
    )

    def __init__(self, model: CityModel, false_alarms_per_month: float) -> None:
        self._signals = CitySignals(model.normal)
        self._means = [MEAN_RARITY] * len(model.channels)
        """Of each channel's rarity over the last days."""
        self._keep = math.exp(-model.normal.cadence / WEARS_OFF_HOURS)
        self.alarming = False
        self.latest = 0.0
        """The newest score."""
        self.details: dict[str, object] = {}
        """Of the alarm, if there is one."""
        self.threshold = model.threshold(false_alarms_per_month)
        channels = channels_of(model.normal)
        self._channels = tuple(zip(channels, model.channels, strict=True))
        self._looks = [
            (channel.place, channel.two_sided, learnt, learnt.rarity.of)
            for channel, learnt in self._channels
        ]
        """The same with what every reading needs at hand."""
        self._weights = [channel.weight for channel in channels]
        alone = [channel.weight for channel in ALONE]
        self._weights_alone = alone + [0.0] * (len(channels) - len(alone))

    def judge(self, hours: float, values: Values, heard: Heard) -> Judgement | None:
        """The score of a reading; None for a slot that was judged, and while a day is not known."""
        signals = self._signals
        slot = int(hours // signals.normal.cadence)
        last = signals.slot
        if last is not None and slot <= last:
            return None
        beside = [heard.said(d.neighbour, last or 0, d.measure) for d in signals.normal.differences]
        row = signals.advance(slot, values, beside)
        rarities = self._rarities(row)
        if not signals.warm:
            self.alarming = False
            return None
        weights = self._weights if signals.compared else self._weights_alone
        self.latest = score_of(zip(weights, rarities, strict=True))
        clear = self.threshold - CLEARS_BELOW if self.alarming else self.threshold
        self.alarming = self.latest > clear
        if self.alarming:
            self.details = explain(self._channels, rarities, signals, row)
        return Judgement(self.latest, self.threshold)

    def _rarities(self, row: Sequence[float]) -> list[float]:
        """Of each channel, less what has worn off."""
        rarities, means = [], self._means
        keep = self._keep**self._signals.gap
        for number, (place, two_sided, learnt, rarity_of) in enumerate(self._looks):
            left = row[place]
            if learnt.causes:
                left = learnt.unexplained(left, row)
            rarity = rarity_of(abs(left) if two_sided else left)
            mean = means[number]
            rarities.append(news(rarity, mean))
            means[number] = mean * keep + rarity * (1 - keep)
        return rarities

    def remembered(self) -> list[object]:
        """The memory as plain lists."""
        signals = self._signals
        compared = zip(signals.normal.differences, signals.differences, strict=True)
        return [
            self.alarming,
            self.latest,
            pack(self._means),
            pack(signals.remembered()),
            [[d.measure, d.neighbour, pack(own.remembered())] for d, own in compared],
        ]

    def recall(self, memory: Sequence[Any]) -> None:
        """Take up what `remembered` gave; ValueError for anything else.

        What is of another kind of model, or of a neighbour that we are no longer compared with,
        begins anew.
        """
        try:
            alarming, latest, worn, own, compared = memory
            means, numbers = unpack(worn), unpack(own)
            differences = {(measure, name): unpack(packed) for measure, name, packed in compared}
        except TypeError as error:
            message = f"not a city's memory: {error}"
            raise ValueError(message) from None
        if not self._signals.recalls(numbers):
            return
        self.alarming, self.latest = bool(alarming), float(latest)
        if len(means) == len(self._means):
            self._means = means
        for difference, signals in zip(
            self._signals.normal.differences, self._signals.differences, strict=True
        ):
            known = differences.get((difference.measure, difference.neighbour), [])
            if len(known) == len(signals.remembered()):
                signals.recall(iter(known))
