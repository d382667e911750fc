"""What detectors remember survives a restart, at whatever moment, and nothing else is taken up."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citywx.weather.alerting.finding import Detector, Finding
from citywx.weather.alerting.patterns.definitions import KINDS
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.reading import Reading
from tests.support.patterns import NOON, patterns

TOML = """
[[pattern]]
id = "rise"
kind = "rise"
metric = "pressure"
by = 2
within = "1h"
[[pattern]]
id = "fall"
kind = "fall"
metric = "temperature_c"
by = 2
within = "1h"
[[pattern]]
id = "sequence"
kind = "sequence"
first = { metric = "temperature_c", above = 1 }
then = { pattern = "rise" }
unless = { metric = "humidity", above = 1 }
within = "2h"
[[pattern]]
id = "all-of"
kind = "all_of"
conditions = [{ pattern = "fall" }, { pattern = "count" }, { metric = "pressure", rise = 1 }]
within = "3h"
[[pattern]]
id = "count"
kind = "count"
condition = { metric = "dew_point", above = -42, clear = -44 }
times = 2
within = "2h"
[[pattern]]
id = "stuck"
kind = "stuck"
metric = "temperature_c"
unchanged_for = "20m"
readings = 2
unless = { metric = "humidity", fall = 2 }
[[pattern]]
id = "diverge"
kind = "diverge"
metric = "temperature_c"
with = "pressure"
by = 2
response = 1
within = "1h"
unless = { pattern = "stuck" }
[[pattern]]
id = "spread"
kind = "spread"
condition = { metric = "temperature_c", fall = 1, clear = 0 }
reached = 2
within = "1h"
[[pattern]]
id = "peer"
kind = "peer"
metric = "temperature_c"
by = 2
within = "1h"
peers = ["Bergen", "Oslo", "Paris"]
fewest = 2
"""
PATTERNS = patterns(TOML)

_values = st.one_of(st.none(), st.integers(0, 4).map(float))
_steps = st.tuples(
    st.sampled_from([1, 10, 30, 60, 200]),
    st.sampled_from(["Bergen", "Oslo", "Paris"]),
    _values,
    _values,
    _values,
)


def made(
    steps: Sequence[tuple[int, str, float | None, float | None, float | None]],
) -> list[Reading]:
    readings, moment = [], NOON
    for minutes, city, temperature_c, humidity, pressure in steps:
        moment += timedelta(minutes=minutes)
        readings.append(Reading(moment, city, temperature_c, humidity, pressure))
    return readings


def detectors() -> list[Detector]:
    feed = Feed()
    return [pattern.detector(feed) for pattern in PATTERNS]


def told(running: Sequence[Detector], readings: Sequence[Reading]) -> list[list[Finding]]:
    return [[*detector.observe(one)] for one in readings for detector in running]


def restarted(running: Sequence[Detector]) -> list[Detector]:
    again = detectors()
    for before, after in zip(running, again, strict=True):
        after.restore(json.loads(json.dumps(before.dump(), allow_nan=False)))
    return again


@settings(max_examples=150, deadline=None)
@given(st.lists(_steps, max_size=40), st.integers(0, 40))
def test_a_restart_at_any_moment_changes_no_finding(
    steps: Sequence[tuple[int, str, float | None, float | None, float | None]], place: int
) -> None:
    readings = made(steps)
    running = detectors()
    before, after = told(running, readings[:place]), told(running, readings[place:])
    first = detectors()
    assert told(first, readings[:place]) == before
    again = restarted(first)
    assert [one.dump() for one in again] == [one.dump() for one in first]
    assert told(again, readings[place:]) == after


@settings(max_examples=50, deadline=None)
@given(st.lists(_steps, max_size=40))
def test_shared_windows_find_what_windows_of_their_own_find(
    steps: Sequence[tuple[int, str, float | None, float | None, float | None]],
) -> None:
    readings = made(steps)
    alone = [pattern.detector(Feed()) for pattern in PATTERNS]
    assert told(detectors(), readings) == told(alone, readings)


def test_what_is_remembered_does_not_grow() -> None:
    sizes = []
    for count in (100, 1000):
        running = detectors()
        told(running, made([(10, "Oslo", float(n % 5), float(n % 3), 1.0) for n in range(count)]))
        sizes.append(len(json.dumps([one.dump() for one in running])))
    assert sizes[1] < sizes[0] * 1.2


def test_the_steps_of_these_tests_let_every_kind_find_something() -> None:
    shape = [(2, 2, 1), (4, 2, 1), (0, 0, 3), (0, 0, 3), (3, 4, 0), (3, 4, 0), (1, 2, 4)]
    cities = ("Bergen", "Oslo", "Paris")
    steps = [
        (10, city, float(4 - t if city == "Paris" else t), float(h), float(p))
        for t, h, p in shape * 3
        for city in cities
    ]
    steps += [(200, city, 2.0, 0.0, 2.0) for city in cities]
    assert [pattern.kind for pattern in PATTERNS] == list(KINDS)
    running = detectors()
    for pattern, detector in zip(PATTERNS, running, strict=True):
        findings = [one for reading in made(steps) for one in detector.observe(reading)]
        assert {one.level for one in findings} == {0, 1}, pattern.kind


@pytest.mark.parametrize("place", range(len(PATTERNS)), ids=[one.kind for one in PATTERNS])
@pytest.mark.parametrize("state", [None, 3, "x", [], {}, [1] * 5, [[1], 2], [{}, [], [], "x", {}]])
def test_a_state_of_another_making_is_refused(place: int, state: object) -> None:
    running = detectors()[place]
    text, _ = json.loads(json.dumps(running.dump()))
    for other in (state, [text, state]):
        with pytest.raises(ValueError, match="should hold"):
            running.restore(other)


def test_a_pattern_that_was_changed_takes_up_no_memory_and_leaves_the_windows_of_others() -> None:
    feed = Feed()
    rise = PATTERNS[0].detector(feed)
    told([rise], made([(0, "Oslo", None, None, 1000.0)]))
    changed = patterns(TOML.replace('metric = "pressure"', 'metric = "temperature_c"', 1))[0]
    with pytest.raises(ValueError, match="the same pattern"):
        changed.detector(feed).restore(rise.dump())
    assert told([rise], made([(10, "Oslo", None, None, 1003.0)]))[0][0].level == 1
