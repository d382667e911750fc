"""What a process has counted, as it tells it in its status: metrics by name, as plain JSON.

A counter or gauge is `{"name{label=value}": number}`. A histogram is one entry too: how many, their
sum, and how many were at most each bound, so that whoever reads it can compute quantiles.
"""

import math
from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric

_OURS = "citywx_"
_OF_THE_PROCESS = (
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_cpu_seconds_total",
)
_CREATED = "_created"  # when a metric began: nothing that was counted
_HISTOGRAM = "histogram"
_BOUND = "le"
_MOST_METRICS = 500
_LONGEST_NAME = 200
_LARGEST = 1e18

Histogram = dict[str, float | dict[str, float]]
Metrics = dict[str, float | Histogram]


def snapshot(registry: CollectorRegistry = REGISTRY) -> Metrics:
    """All of the project's own metrics, and what the process uses of the machine.

    >>> from prometheus_client import Counter
    >>> registry = CollectorRegistry()
    >>> Counter("citywx_mails", "", ["state"], registry=registry).labels("sent").inc(2)
    >>> snapshot(registry)
    {'citywx_mails_total{state=sent}': 2}
    """
    found: Metrics = {}
    for family in registry.collect():
        if family.type == _HISTOGRAM and family.name.startswith(_OURS):
            found.update(_histograms(family))
        else:
            found.update(_numbers(family))
    return found


def read_snapshot(told: object) -> Metrics | None:
    """The metrics in a message, without what is none; None when it holds no metrics at all."""
    if not isinstance(told, dict) or len(told) > _MOST_METRICS:
        return None
    return {
        name: value
        for name, value in told.items()
        if _is_name(name) and (_is_number(value) or _is_histogram(value))
    }


def _numbers(family: Metric) -> Iterable[tuple[str, float]]:
    for sample in family.samples:
        wanted = sample.name.startswith(_OURS) or sample.name in _OF_THE_PROCESS
        if wanted and not sample.name.endswith(_CREATED) and math.isfinite(sample.value):
            yield _key(sample.name, sample.labels), _short(sample.value)


def _histograms(family: Metric) -> dict[str, Histogram]:
    """The histograms of a family, one for each set of labels."""
    found: dict[str, Histogram] = {}
    for sample in family.samples:
        labels = {name: value for name, value in sample.labels.items() if name != _BOUND}
        told = found.setdefault(_key(family.name, labels), {"count": 0, "sum": 0, "buckets": {}})
        part = sample.name.removeprefix(f"{family.name}_")
        buckets = told["buckets"]
        if part == "bucket" and isinstance(buckets, dict):
            buckets[sample.labels[_BOUND]] = _short(sample.value)
        elif part in ("count", "sum") and math.isfinite(sample.value):
            told[part] = _short(sample.value)
    return found


def _key(name: str, labels: dict[str, str]) -> str:
    shown = ",".join(f"{label}={value}" for label, value in labels.items())
    return f"{name}{{{shown}}}" if shown else name


def _short(value: float) -> float:
    return int(value) if value == int(value) else value


def _is_name(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and name.isprintable()


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < _LARGEST  # type: ignore[arg-type]  # it is one


def _is_histogram(value: object) -> bool:
    if not isinstance(value, dict) or value.keys() != {"count", "sum", "buckets"}:
        return False
    buckets = value["buckets"]
    return (
        _is_number(value["count"])
        and _is_number(value["sum"])
        and isinstance(buckets, dict)
        and len(buckets) <= _MOST_METRICS
        and all(_is_bound(bound) and _is_number(number) for bound, number in buckets.items())
    )


def _is_bound(text: str) -> bool:
    try:
        return text.isascii() and not math.isnan(float(text))
    except ValueError:
        return False
