"""What an alert rule is, and how a `[[rule]]` table of `alerts.toml` says it.

A rule watches one metric in every city on its own: a limit, or a ladder of them. Whether a value
passes them is decided here; keeping track of cities belongs in `watches`.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise

from citywx.weather.alerting.metrics import METRICS, Metric
from citywx.weather.alerting.policy import (
    LIFE_KEYS,
    NO_TIME,
    Kind,
    Policy,
    Severity,
    Worst,
    read_policy,
)
from citywx.weather.alerting.table_reader import TableReader

_KEYS = LIFE_KEYS | {
    *("metric", "change_over", "max_step", "clear", "level", "silent_for", "no_data"),
}
TENDENCY = "pressure_tendency_3h"
_TENDENCY_OVER = timedelta(hours=3)


class Comparison(StrEnum):
    """How a value is compared with the limit; the value is the key in `alerts.toml`."""

    ABOVE = "above"
    AT_LEAST = "at_least"
    BELOW = "below"
    AT_MOST = "at_most"

    @property
    def upward(self) -> bool:
        """Whether high values are the dangerous ones."""
        return self in (Comparison.ABOVE, Comparison.AT_LEAST)

    @property
    def words(self) -> str:
        """For people."""
        return self.replace("_", " ")


HOLDS: dict[Comparison, Callable[[float, float], bool]] = {
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.BELOW: operator.lt,
    Comparison.AT_MOST: operator.le,
}


class NoData(StrEnum):
    """What becomes of a rule in a city that has said nothing for `silent_for`."""

    KEEP = "keep"
    """It stays as it is."""
    OK = "ok"
    """Its alert ends."""
    ALERT = "alert"
    """Silence is an alert by itself, of the lowest severity."""


@dataclass(frozen=True, slots=True)
class Level:
    """One step of the ladder, in the metric's unit."""

    limit: float
    clear: float
    """An alert at this level stays while the value is between here and the limit, both included.

    Where it is the limit itself, the limit alone counts.
    """


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds where a metric passes its limit, until it is back at the clear level."""

    policy: Policy
    metric: Metric | None
    """None: any reading will do, only silence counts."""
    comparison: Comparison | None = None
    levels: tuple[Level, ...] = ()
    """The mildest first."""
    change_over: timedelta | None = None
    """Where given, the metric's change over that time is compared."""
    max_step: float | None = None
    """Where given, a change counts only if no step in it is larger; see `Change.is_even`."""
    silent_for: timedelta | None = None
    no_data: NoData = NoData.KEEP

    @property
    def rule_id(self) -> str:
        """Its name."""
        return self.policy.rule_id

    @property
    def metric_name(self) -> str:
        """What is compared, as told in events."""
        if self.metric is None:
            return "silence"
        if self.change_over is None:
            return self.metric.name
        return f"{self.metric.name} change"

    @property
    def words(self) -> str:
        """What it watches for, in a few words.

        >>> read_rule(TableReader({
        ...     "id": "warm", "metric": "temperature_c", "above": 23, "severity": "info",
        ...     "message": "Warm", "for": "2h",
        ... }, "rule 1")).words
        'temperature_c above 23 °C for 2:00:00'
        """
        if self.metric is None or self.comparison is None:
            return f"no reading for {self.silent_for}"
        limits = " / ".join(f"{level.limit:g}" for level in self.levels)
        over = f" over {self.change_over}" if self.change_over else ""
        held = f" for {self.policy.hold}" if self.policy.hold else ""
        return f"{self.metric_name}{over} {self.comparison.words} {limits} {self.metric.unit}{held}"

    def level(self, before: int, value: float) -> int:
        """The level at which the condition holds at `value`; `before`: that of the alert."""
        if self.comparison is None:
            return 0
        holds, upward = HOLDS[self.comparison], self.comparison.upward
        level = 0
        for number, step in enumerate(self.levels, 1):
            on = holds(value, step.limit)
            if not on and number <= before and step.clear != step.limit:
                on = value >= step.clear if upward else value <= step.clear
            if not on:
                break
            level = number
        return level

    def quiet_band(self) -> tuple[float, float]:
        """The values between which the condition cannot hold, both excluded."""
        if self.comparison is None:
            return -math.inf, math.inf
        limit = self.levels[0].limit
        return (-math.inf, limit) if self.comparison.upward else (limit, math.inf)


def read_rule(reader: TableReader, lateness: timedelta = NO_TIME) -> Rule:
    """A rule from its `[[rule]]` table.

    >>> rule = read_rule(TableReader({
    ...     "id": "warm", "metric": "temperature_c", "above": 23, "severity": "info",
    ...     "message": "Warm",
    ... }, "rule 1"))
    >>> rule.level(0, 23.1), rule.level(0, 23.0), rule.level(1, 23.0)
    (1, 0, 0)
    """
    reader.name = f"rule {reader.identifier('id')!r}"
    reader.only(_KEYS | {c.value for c in Comparison}, "a rule")
    silent_for = reader.duration("silent_for") if "silent_for" in reader else None
    if "metric" not in reader:
        return _silence_rule(reader, silent_for, lateness)
    metric, change_over = _metric(reader)
    max_step = _max_step(reader, change_over)
    ladder = reader.tables("level")
    comparison = _comparison(reader, ladder)
    levels, severities = _levels(reader, ladder, comparison)
    no_data = NoData(reader.one_of("no_data", tuple(NoData), default=NoData.KEEP))
    if no_data is not NoData.KEEP and silent_for is None:
        reader.fail("no_data", "needs silent_for: how long without a value is no data")
    policy = read_policy(
        reader,
        Kind.RULE,
        severities=severities,
        lateness=lateness,
        worst=Worst.HIGHEST if comparison.upward else Worst.LOWEST,
    )
    return Rule(policy, metric, comparison, levels, change_over, max_step, silent_for, no_data)


def _silence_rule(reader: TableReader, silent_for: timedelta | None, lateness: timedelta) -> Rule:
    if silent_for is None:
        reader.fail("metric", f"must be one of {', '.join((*METRICS, TENDENCY))}")
    for key in ("level", "clear", "change_over", "max_step", *Comparison):
        if key in reader:
            reader.fail(key, "needs a metric")
    if reader.one_of("no_data", tuple(NoData), default=NoData.ALERT) != NoData.ALERT:
        reader.fail("no_data", 'must be "alert" in a rule without a metric')
    policy = read_policy(reader, Kind.RULE, lateness=lateness)
    return Rule(policy, None, silent_for=silent_for, no_data=NoData.ALERT)


def _metric(reader: TableReader) -> tuple[Metric, timedelta | None]:
    name = reader.one_of("metric", (*METRICS, TENDENCY))
    if name == TENDENCY:
        if "change_over" in reader:
            reader.fail("change_over", f"is 3 hours in {TENDENCY}")
        return METRICS["pressure"], _TENDENCY_OVER
    change_over = reader.duration("change_over") if "change_over" in reader else None
    return METRICS[name], change_over


def _max_step(reader: TableReader, change_over: timedelta | None) -> float | None:
    if "max_step" not in reader:
        return None
    if change_over is None:
        reader.fail("max_step", "needs change_over: it is a step within a change")
    return reader.positive("max_step")


def _comparison(reader: TableReader, ladder: list[TableReader]) -> Comparison:
    places = ladder or [reader]
    if ladder:
        for key in (*Comparison, "clear", "severity"):
            if key in reader:
                reader.fail(key, "stands in the levels where there are levels")
    given = {c for place in places for c in Comparison if c.value in place}
    if len(given) != 1 or not all(given & {c for c in Comparison if c in p} for p in places):
        places[0].fail(" / ".join(Comparison), "exactly one of them must be given")
    return given.pop()


def _levels(
    reader: TableReader, ladder: list[TableReader], comparison: Comparison
) -> tuple[tuple[Level, ...], tuple[Severity, ...]]:
    levels, severities = [], []
    for place in ladder or [reader]:
        if ladder:
            place.only({comparison.value, "clear", "severity"}, "a level")
        levels.append(_level(place, comparison))
        severities.append(Severity(place.one_of("severity", tuple(Severity))))
    for mild, bad in pairwise(levels):
        rises = bad.limit > mild.limit and bad.clear >= mild.clear
        falls = bad.limit < mild.limit and bad.clear <= mild.clear
        if not (rises if comparison.upward else falls):
            reader.fail("level", "must go from the mildest to the worst")
    for mild_one, bad_one in pairwise(severities):
        if bad_one.rank <= mild_one.rank:
            reader.fail("level", "must have a higher severity than the one before it")
    return tuple(levels), tuple(severities)


def _level(reader: TableReader, comparison: Comparison) -> Level:
    limit = reader.number(comparison.value)
    clear = reader.number("clear", default=limit)
    if clear > limit if comparison.upward else clear < limit:
        reader.fail("clear", f"must not be {'above' if comparison.upward else 'below'} the limit")
    return Level(limit, clear)
