"""Metrics go into a status message as plain JSON, and come out of one only when they are that."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streaming.metrics_snapshot import read_snapshot, snapshot


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_counters_and_gauges_are_told_by_name_and_labels(registry: CollectorRegistry) -> None:
    lines = Counter("citywx_lines", "", ["fate", "why"], registry=registry)
    lines.labels("rejected", "no city").inc(3)
    Gauge("citywx_seconds", "", registry=registry).set(0.25)
    assert snapshot(registry) == {
        "citywx_lines_total{fate=rejected,why=no city}": 3,
        "citywx_seconds": 0.25,
    }


def test_a_histogram_is_told_with_its_cumulative_buckets(registry: CollectorRegistry) -> None:
    seconds = Histogram("citywx_seconds", "", ["what"], buckets=(0.1, 1), registry=registry)
    for value in (0.05, 0.5, 0.75, 8):
        seconds.labels("x").observe(value)
    assert snapshot(registry) == {
        "citywx_seconds{what=x}": {
            "count": 4,
            "sum": 9.3,
            "buckets": {"0.1": 1, "1.0": 3, "+Inf": 4},
        }
    }


def test_what_is_not_ours_or_not_a_number_is_left_out(registry: CollectorRegistry) -> None:
    Counter("other", "", registry=registry).inc()
    Histogram("other_seconds", "", registry=registry).observe(1)
    Gauge("citywx_unknown", "", registry=registry).set(math.nan)
    assert snapshot(registry) == {}


def test_a_process_tells_its_memory_files_and_processor_time() -> None:
    told = snapshot()
    for name in (
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_cpu_seconds_total",
    ):
        assert told[name] > 0  # type: ignore[operator]  # numbers all
    assert not any(name.startswith("python_") for name in told)


def test_what_is_told_is_read_back(registry: CollectorRegistry) -> None:
    Histogram("citywx_seconds", "", registry=registry).observe(0.3)
    Counter("citywx_lines", "", ["fate"], registry=registry).labels("published").inc()
    told = json.loads(json.dumps(snapshot(registry)))
    assert read_snapshot(told) == snapshot(registry)


@pytest.mark.parametrize(
    "value",
    [
        "1", None, True, math.nan, math.inf, 10**30, [], {}, {"count": 1},
        {"count": 1, "sum": 1, "buckets": {"half": 1}},
        {"count": 1, "sum": 1, "buckets": {"nan": 1}},
        {"count": 1, "sum": "1", "buckets": {}},
    ],
)  # fmt: skip
def test_a_value_that_is_no_metric_is_dropped_and_the_others_stay(value: object) -> None:
    assert read_snapshot({"a": value, "b": 1}) == {"b": 1}


@pytest.mark.parametrize("name", ["x" * 201, "a\x00", "\ud800"])
def test_a_name_that_is_none_is_dropped(name: str) -> None:
    assert read_snapshot({name: 1, "b": 1}) == {"b": 1}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(_JSON)
def test_no_json_at_all_makes_reading_fail(told: object) -> None:
    found = read_snapshot(told)
    assert found is None or isinstance(json.dumps(found, allow_nan=False), str)
