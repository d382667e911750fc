"""Figures: quantiles, medians over rounds, and the rows of the results file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of ours beside one peer's."""

    case: str
    metric: str
    unit: str
    ours: float
    peer: str | None
    peer_value: float | None

    def row(self) -> dict[str, object]:
        """The row of the results file."""
        ratio = round(self.ours / self.peer_value, 3) if self.peer_value else None
        return {**asdict(self), "ratio": ratio}


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """For each quantile the value that such a share of all values does not exceed.

    >>> quantiles([3.0, 1.0, 2.0])
    {'p50': 2.0, 'p95': 3.0, 'p99': 3.0, 'max': 3.0}
    """
    ordered = sorted(values)
    last = len(ordered) - 1
    return {name: ordered[min(last, int(q * len(ordered)))] for name, q in QUANTILES.items()}


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each metric over the rounds.

    >>> medians([{"p50": 1.0}, {"p50": 9.0}, {"p50": 2.0}])
    {'p50': 2.0}
    """
    return {name: round(median(one[name] for one in rounds), 3) for name in rounds[0]}


def beside(
    case: str,
    unit_of: Callable[[str], str],
    ours: Mapping[str, float],
    peers: Mapping[str, Mapping[str, float]],
) -> list[Figure]:
    """Our metrics beside each peer's; those that no peer has stand alone."""
    figures = []
    for metric, value in ours.items():
        unit = unit_of(metric)
        found = [
            Figure(case, metric, unit, value, name, theirs[metric])
            for name, theirs in peers.items()
            if metric in theirs
        ]
        figures += found or [Figure(case, metric, unit, value, None, None)]
    return figures
