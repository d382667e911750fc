"""Scores of a method over a year: what it learnt before a month judges that month."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.anomalies.calibration import HOURS_PER_MONTH, count_alarms
from evaluations.anomaly_faults import KINDS, Kind, Planted, Series, gated, plant

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HISTORY_HOURS: Final = 90 * 24
"""Before anything is judged."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a method says of one series, an element a row; not a number where nothing."""

    scores: Floats
    thresholds: Floats

    @property
    def alarming(self) -> Bools:
        """The rows above the threshold."""
        above: Bools = self.scores > self.thresholds
        return above


@dataclass(frozen=True, eq=False)
class Case:
    """One city as it was, and with faults of each kind."""

    series: Series
    planted: Mapping[str, Sequence[Planted]]


@dataclass(frozen=True, slots=True)
class Found:
    """How well a method found one kind of fault."""

    kind: Kind
    auc: float
    """The mean over the cities of the share of (faulty, usual) rows that are in the right order."""
    events: int
    seen: int
    """Events with an alarm inside the faulty hours, where there is none without the fault."""

    @property
    def recall(self) -> float:
        """0 to 1."""
        return self.seen / self.events if self.events else float("nan")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How well a method did."""

    method: str
    false_alarms: tuple[float, ...]
    """A month, of each city."""
    by_chance: float
    """The share of days without a fault that have an alarm."""
    found: tuple[Found, ...]


def cases(series: Sequence[Series], seeds: int, kinds: Sequence[Kind] = KINDS) -> list[Case]:
    """Each city with faults planted anew for each seed; all methods see what passed the gate."""
    return [
        Case(
            replace(own, measured=gated(own)),
            {
                kind.name: [
                    _planted(own, series, kind, np.random.default_rng([seed, place, number]))
                    for seed in range(seeds)
                ]
                for number, kind in enumerate(kinds)
            },
        )
        for place, own in enumerate(series)
    ]


def _planted(
    own: Series, series: Sequence[Series], kind: Kind, rng: np.random.Generator
) -> Planted:
    others = [other for other in series if other is not own]
    planted = plant(own, others, kind, HISTORY_HOURS, rng)
    return replace(planted, measured=gated(own, planted.measured))


def judged(
    method: str,
    found: Sequence[Case],
    run: Callable[[Case], Callable[[Floats], Run]],
    kinds: Sequence[Kind] = KINDS,
) -> Outcome:
    """Hold a method against the faults; `run` prepares a city, then judges any values of it."""
    rates, chances = [], []
    aucs: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    events: dict[str, list[bool]] = {kind.name: [] for kind in kinds}
    for case in found:
        judge = run(case)
        usual = judge(case.series.measured)
        rates.append(_false_alarms(usual))
        chances.append(_by_chance(usual))
        for kind in kinds:
            faulty = []
            for planted in case.planted[kind.name]:
                outcome = judge(planted.measured)
                faulty.append(outcome.scores[planted.faulty])
                alarms = outcome.alarming & ~usual.alarming
                events[kind.name] += [bool(alarms[event].any()) for event in planted.events()]
            aucs[kind.name].append(auc(usual.scores, np.concatenate(faulty)))
    return Outcome(
        method,
        tuple(rates),
        float(np.mean(chances)),
        tuple(
            Found(
                kind,
                float(np.mean(aucs[kind.name])),
                len(events[kind.name]),
                sum(events[kind.name]),
            )
            for kind in kinds
        ),
    )


def auc(usual: Floats, faulty: Floats) -> float:
    """The chance that a faulty row scores higher than a usual one.

    >>> auc(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    0.875
    """
    ranked = np.sort(usual[np.isfinite(usual)])
    known = faulty[np.isfinite(faulty)]
    below = np.searchsorted(ranked, known, "left") + np.searchsorted(ranked, known, "right")
    return float(np.mean(below / 2 / len(ranked)))


def _false_alarms(usual: Run) -> float:
    judged_rows = np.isfinite(usual.scores)
    months = judged_rows.sum() / HOURS_PER_MONTH
    return float(count_alarms(np.arange(len(usual.scores)), usual.alarming) / months)


def _by_chance(usual: Run) -> float:
    rows = usual.alarming[HISTORY_HOURS:]
    days = rows[: len(rows) // 24 * 24].reshape(-1, 24)
    return float(days.any(axis=1).mean())
