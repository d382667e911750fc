"""What the page Pipeline makes of counters, histograms and the words of processes."""

import math
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import counters, pipeline_charts, processes
from dashboard.counters import Sample
from dashboard.pipeline_charts import Period
from dashboard.processes import Behind, Condition, ProcessStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LINES, LATENCY = "citywx_lines_total", "citywx_seconds"
BOUNDS = (0.001, 0.01, 0.1, 1.0, math.inf)


def sample(number: int, **metrics: object) -> Sample:
    return Sample("bridge", NOON + 10 * number * SECOND, metrics)


def histogram(values: list[float]) -> dict[str, object]:
    told = {
        "+Inf" if math.isinf(bound) else str(bound): sum(value <= bound for value in values)
        for bound in BOUNDS
    }
    return {"count": len(values), "sum": sum(values), "buckets": told}


@given(st.lists(st.lists(st.integers(0, 1000), min_size=1, max_size=10), max_size=5))
def test_what_was_counted_is_known_whatever_restarts_lie_between(lives: list[list[int]]) -> None:
    """In each life a counter starts at 0; a fall is visible unless nothing had been counted."""
    samples, counted, last = [Sample("bridge", NOON, {LINES: 0})], 0, 0
    for grown in lives:
        for value in accumulate(grown):
            counted += value - last if value >= last else value
            last = value
            samples.append(sample(len(samples), **{LINES: value}))
    assert counters.total(counters.steps(samples), LINES) == counted


def test_after_a_restart_every_counter_began_anew_also_one_that_has_passed_itself() -> None:
    found = counters.steps(
        [
            sample(0, citywx_a_total=50, process_cpu_seconds_total=9.0),
            sample(1, citywx_a_total=60, process_cpu_seconds_total=0.5),
        ]
    )
    assert counters.total(found, "citywx_a_total") == 60


def test_a_gauge_that_falls_is_no_restart() -> None:
    found = counters.steps([sample(0, citywx_a_total=50, x=9), sample(1, citywx_a_total=60, x=1)])
    assert counters.total(found, "citywx_a_total") == 10


def test_a_counter_that_appears_has_counted_from_nothing() -> None:
    name = "citywx_rejected_total"
    found = counters.steps(
        [sample(0), sample(1, **{f"{name}{{reason=no city}}": 2}),
         sample(2, **{f"{name}{{reason=no city}}": 3, f"{name}{{reason=a=b}}": 4})]
    )  # fmt: skip
    assert counters.total(found, name) == 7
    assert counters.total(found, name, "reason=no city") == 3
    assert counters.by_label(found, name) == {"a=b": 4, "no city": 3}


def test_a_rate_is_per_second_and_unknown_over_a_long_silence() -> None:
    first, late = sample(0, **{LINES: 0}), sample(60, **{LINES: 600})
    (near,) = counters.steps([first, sample(1, **{LINES: 200})])
    (far,) = counters.steps([first, late])
    assert near.rate(LINES) == 20
    assert far.rate(LINES) is None
    assert far.total(LINES) == 600


_VALUES = st.lists(st.floats(0.0001, 10, allow_nan=False), min_size=1, max_size=60)


@given(_VALUES, st.floats(0.01, 1))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], q: float) -> None:
    (step,) = counters.steps(
        [sample(0, **{LATENCY: histogram([])}), sample(1, **{LATENCY: histogram(values)})]
    )
    found = counters.quantile(q, counters.buckets([step], LATENCY))
    true = sorted(values)[math.ceil(q * len(values)) - 1]
    high = next(bound for bound in BOUNDS if true <= bound)
    low = max((bound for bound in BOUNDS if bound < high), default=0.0)
    assert found is not None
    assert low - 1e-9 <= found <= high
    assert math.isinf(found) == math.isinf(high)


@given(_VALUES, st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_greater_quantile_is_never_smaller(values: list[float], one: float, two: float) -> None:
    (step,) = counters.steps([sample(0), sample(1, **{LATENCY: histogram(values)})])
    found = counters.buckets([step], LATENCY)
    low, high = (counters.quantile(q, found) or 0.0 for q in sorted((one, two)))
    assert low <= high


@given(_VALUES, _VALUES)
def test_histograms_of_several_steps_add_up(first: list[float], second: list[float]) -> None:
    found = counters.steps(
        [sample(0), sample(1, **{LATENCY: histogram(first)}),
         sample(2, **{LATENCY: histogram(first + second)})]
    )  # fmt: skip
    (whole,) = counters.steps([sample(0), sample(1, **{LATENCY: histogram(first + second)})])
    assert counters.buckets(found, LATENCY) == counters.buckets([whole], LATENCY)


def test_nothing_observed_has_no_quantile() -> None:
    assert counters.quantile(0.5, {}) is None
    assert counters.quantile(0.5, {1.0: 0, math.inf: 0}) is None


def status(name: str = "alerter", **more: object) -> ProcessStatus:
    said = {
        "process": name, "state": "running", "segment": "000002-abc", "byte_offset": 1_000_000,
        "said_at": NOON, "metrics": {},
    }  # fmt: skip
    return ProcessStatus(**(said | more))  # type: ignore[arg-type]  # fields by name


BRIDGE = status("bridge")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (status(), Condition.IN_STEP),
        (status(byte_offset=1_000_500), Condition.IN_STEP),  # before it is acknowledged
        (status(byte_offset=500_000), Condition.CATCHING_UP),
        (status(segment="000001-ffff", byte_offset=2_000_000), Condition.CATCHING_UP),
        (status(segment="000002-other"), Condition.IN_STEP),  # begun anew: nothing to compare
        (status(segment=None, byte_offset=None), Condition.IN_STEP),
        (status(said_at=NOON - 11 * SECOND), Condition.SILENT),
        (status(said_at=NOON - 11 * SECOND, state="stopped"), Condition.STOPPED),
        (status(state="lost"), Condition.LOST),
        (status("bridge", metrics={"citywx_bridge_backlog_bytes": 1e6}), Condition.CATCHING_UP),
    ],
)
def test_a_process_is_in_step_or_it_is_said_how_it_is_not(
    said: ProcessStatus, expected: Condition
) -> None:
    assert processes.condition(said, processes.behind(said, BRIDGE), NOON) is expected


def test_the_bridge_says_itself_how_far_it_is_behind_the_log() -> None:
    metrics = {"citywx_bridge_backlog_bytes": 900, "citywx_bridge_backlog_rows": 9}
    assert processes.behind(status("bridge", metrics=metrics), None) == Behind(900, 9, None)
    assert processes.behind(status(byte_offset=999_000), BRIDGE) == Behind(1_000)
    assert processes.behind(status("poller"), BRIDGE) == Behind()


def test_processes_stand_in_the_order_in_which_a_reading_meets_them() -> None:
    names = ["recorder", "hook", "alerter", "bridge"]
    assert processes.in_order(names) == ["bridge", "alerter", "recorder", "hook"]
    assert processes.not_heard({"bridge": BRIDGE}) == ["alerter", "recorder"]


def test_charts_span_the_period_whatever_was_sampled() -> None:
    frame = pd.DataFrame(
        {
            "timestamp": pd.to_datetime([NOON] * 2, utc=True),
            "series": ["Published", "Judged"],
            "value": [20.0, None],
        }
    )
    period = Period(NOON - timedelta(hours=1), NOON)
    for chart in (pipeline_charts.rates(frame, period), pipeline_charts.latencies(frame, period)):
        drawn = chart.to_dict()["encoding"]
        assert [end["hours"] for end in drawn["x"]["scale"]["domain"]] == [11, 12]
        assert drawn["color"]["scale"]["domain"] == ["Published", "Judged"]
    assert pipeline_charts.latencies(frame, period).data["value"].iloc[0] == 20_000
