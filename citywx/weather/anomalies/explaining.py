"""Which measures an anomaly is about, what was expected of them, and what was observed."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from citywx.weather.anomalies.channels import Channel, LearntChannel
from citywx.weather.anomalies.measure import MeasureSignals
from citywx.weather.anomalies.normal import HOURS
from citywx.weather.anomalies.signals import JOINT, ROUGH, CitySignals, of_difference
from citywx.weather.reading import MEASURES

_TOLD: Final = 0.1
"""Of the odds: a channel with less is not what the anomaly is about."""
_JOINED: Final = 2.0  # usual sizes; a measure that moved less had no part in a joint step


def explain(
    channels: Sequence[tuple[Channel, LearntChannel]],
    rarities: Sequence[float],
    signals: CitySignals,
    row: Sequence[float],
) -> dict[str, object]:
    """Details fit for JSON: `variables`, the most unusual first, each with what is unusual of it.

    `observed` and `expected` are in the measure's unit: the value, or for `unsteady` how sharply
    values bend from one reading to the next; beside a neighbour, the difference from it.
    """
    odds = [
        channel.weight * 10**rare for (channel, _), rare in zip(channels, rarities, strict=True)
    ]
    least = _TOLD * sum(odds)
    ranked = sorted(range(len(odds)), key=odds.__getitem__, reverse=True)
    variables: list[dict[str, object]] = []
    for place in ranked:
        if odds[place] >= least:
            channel, learnt = channels[place]
            variables += [
                {"what": channel.name, **told, "rarity": round(rarities[place], 2)}
                for told in _tell(channel, learnt, signals, row)
            ]
    return {"variables": variables}


def _tell(
    channel: Channel, learnt: LearntChannel, signals: CitySignals, row: Sequence[float]
) -> Iterator[dict[str, object]]:
    if channel.place == JOINT:
        for number, measure in enumerate(signals.measures):
            if abs(measure.stands) >= _JOINED:
                yield _compared(number, measure.value, measure.value - _stepped(measure))
        return
    number = channel.measure or 0
    difference = of_difference(channel.place)
    if difference is not None:
        compared = signals.normal.differences[difference]
        measure = signals.differences[difference]
        usual = measure.usual[(signals.slot or 0) * signals.normal.cadence % HOURS]
        yield _compared(number, measure.value, usual) | {"neighbour": compared.neighbour}
        return
    measure = signals.measures[number]
    left = learnt.unexplained(row[channel.place], row)
    if channel.place == ROUGH + number:
        size = measure.normal.bend_size[(signals.slot or 0) * signals.normal.cadence % HOURS]
        yield _compared(number, measure.rough * size, (measure.rough - left) * size)
        return
    off = {"step": _stepped(measure), "level": left}.get(channel.name, measure.away)
    yield _compared(number, measure.value, measure.value - off)


def _stepped(measure: MeasureSignals) -> float:
    """By how much the value is off the level before the step."""
    return measure.away - measure.away_before_step


def _compared(measure: int, observed: float, expected: float) -> dict[str, object]:
    return {
        "measure": MEASURES[measure],
        "observed": _number(observed),
        "expected": _number(expected),
    }


def _number(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None
