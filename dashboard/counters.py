"""What processes have counted, over time: differences, rates, quantiles. Pure, no Streamlit.

A counter grows while its process lives. Where one of a process's counters fell, the process began
anew, and what it has counted since then is the difference. A counter that is absent has counted
nothing yet: those with labels appear with their first event.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

Metrics = Mapping[str, object]
"""As in `process_status` and `pipeline_samples`: numbers and histograms by `name{label=value}`."""

_COUNTER = "_total"
LONGEST_STEP = timedelta(seconds=90)
"""Over a longer time without a sample there is no rate to tell."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process had counted at a moment."""

    process: str
    at: datetime
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Step:
    """What a process counted between two samples."""

    start: datetime
    end: datetime
    counted: Mapping[str, float]
    """By counter; a histogram's buckets by `name` and bound, see `bucket_key`."""

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds()

    def total(self, name: str, label: str = "") -> float:
        """A counter's growth, over all its labels or with one, like `fate=published`."""
        wanted = f"{name}{{{label}}}" if label else name
        return sum(
            grown
            for key, grown in self.counted.items()
            if key == wanted or (not label and key.startswith(f"{name}{{"))
        )

    def rate(self, name: str, label: str = "") -> float | None:
        """Growth per second; None over a time that is too long to speak of."""
        known = timedelta(0) < self.end - self.start <= LONGEST_STEP
        return self.total(name, label) / self.seconds if known else None


def steps(samples: Iterable[Sample]) -> list[Step]:
    """The steps between the samples of one process, given in order of time."""
    return [
        Step(before.at, after.at, _grown(_counters(before.metrics), _counters(after.metrics)))
        for before, after in pairwise(samples)
    ]


def total(found: Iterable[Step], name: str, label: str = "") -> float:
    """A counter's growth over several steps."""
    return sum(step.total(name, label) for step in found)


def by_label(found: Iterable[Step], name: str) -> dict[str, float]:
    """The growth of each label of a counter that grew, the largest first.

    The label of `name{reason=no city}` is `no city`.
    """
    sums: dict[str, float] = defaultdict(float)
    for step in found:
        for key, grown in step.counted.items():
            if grown and key.startswith(f"{name}{{"):
                sums[key[len(name) + 1 : -1].partition("=")[2]] += grown
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def buckets(found: Sequence[Step], name: str) -> dict[float, float]:
    """How many observations of these steps were at most each bound of the histogram `name`."""
    start = bucket_key(name, "")
    sums: dict[float, float] = defaultdict(float)
    for step in found:
        for key, grown in step.counted.items():
            if key.startswith(start):
                sums[float(key[len(start) :])] += grown
    return dict(sorted(sums.items()))


def quantile(q: float, cumulative: Mapping[float, float]) -> float | None:
    """The quantile of a histogram: inside its bucket, as if that were evenly filled.

    Infinite when it lies above the last finite bound; None when nothing was observed.

    >>> quantile(0.5, {1.0: 2, 2.0: 6, float("inf"): 6})
    1.25
    """
    bounds = sorted(cumulative)
    count = max(cumulative.values(), default=0)
    if count <= 0:
        return None
    rank, below, low = q * count, 0.0, 0.0
    for bound in bounds:
        reached = cumulative[bound]
        if reached >= rank and reached > below:
            return bound if bound == float("inf") else low + _part(rank, below, reached, bound, low)
        below, low = max(below, reached), bound
    return float("inf")


def number(metrics: Metrics, name: str) -> float | None:
    """A gauge, or a counter without labels; None where it is absent."""
    value = metrics.get(name)
    return float(value) if isinstance(value, (int, float)) else None


def bucket_key(name: str, bound: str) -> str:
    """Under which name a bucket of a histogram is counted."""
    return f"{name}|le={bound}"


def _part(rank: float, below: float, reached: float, bound: float, low: float) -> float:
    return (bound - low) * max(0.0, rank - below) / (reached - below)


def _counters(metrics: Metrics) -> dict[str, float]:
    """All that only grows, with the buckets of histograms."""
    found: dict[str, float] = {}
    for key, value in metrics.items():
        if isinstance(value, Mapping):
            of_it = value.get("buckets", {})
            found |= {bucket_key(key, bound): float(count) for bound, count in of_it.items()}
        elif key.partition("{")[0].endswith(_COUNTER) and isinstance(value, (int, float)):
            found[key] = float(value)
    return found


def _grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    if any(after.get(key, 0.0) < value for key, value in before.items()):
        return dict(after)  # the process began anew
    return {key: value - before.get(key, 0.0) for key, value in after.items()}
