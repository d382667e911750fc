"""Which level of a rule would fire at a wanted rate on a history.

Pure. How often a rule fires does not simply fall as its level moves away: a level that is nearly
always passed hardly ever fires anew. So the search comes from the rare side: first over levels
that ever more of the values pass, then evenly between the two on either side of the wanted rate.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from citywx.weather.alerting.backtest import run_backtest
from citywx.weather.alerting.bench import Known
from citywx.weather.alerting.change import Change
from citywx.weather.alerting.definitions import Definitions
from citywx.weather.alerting.outcome import city_months
from citywx.weather.alerting.quality_alerts import QualityAlerts
from citywx.weather.alerting.rules import Level, Rule
from citywx.weather.reading import Reading

_DIGITS = 1
"""Of a proposed level: finer ones only fit this history."""
_SHARES = (0.0, *(0.5 / 3**step for step in range(7, -1, -1)))
"""Of the values that pass the levels which are tried first: none, then ever more."""
_FINE = 8
"""Levels that are tried between two of those."""


@dataclass(frozen=True, slots=True)
class Try:
    """A rule with another level, and how often it would have fired."""

    rule: Rule
    rate: float
    """Alerts a city a month."""

    @property
    def level(self) -> Level:
        """Its mildest level."""
        return self.rule.levels[0]


@dataclass(frozen=True, slots=True)
class Proposal:
    """The level that comes closest to a wanted rate."""

    wanted: float
    chosen: Try
    tried: tuple[Try, ...]
    """From the rarest to the most frequent side."""


def propose(
    rule: Rule,
    wanted: float,
    readings: Iterable[Reading],
    known: Known | None = None,
    quality: QualityAlerts | None = None,
) -> Proposal | None:
    """A level of `rule` that fires `wanted` times a city a month; its other distances are kept.

    `readings` are gone through three times at most. None where there is nothing to go by: no
    level, or no value. With `quality` they pass the quality gate first.
    """
    if not rule.levels:
        return None
    limits = _by_rareness(rule, readings)
    if not limits:
        return None

    def rates(limits: Sequence[float]) -> list[Try]:
        candidates = [at_limit(rule, limit) for limit in limits]
        return _try(candidates, quality, readings, known)

    return _search(wanted, limits, rates)


def values(rule: Rule, readings: Iterable[Reading]) -> Iterator[tuple[Reading, float]]:
    """What the rule compares at each reading that gives it a value; the reading beside it."""
    if rule.metric is None:
        return
    changes: dict[str, Change] = {}
    for reading in readings:
        value = rule.metric.of(reading)
        if value is not None and rule.change_over is not None:
            seconds = rule.change_over.total_seconds()
            change = changes.setdefault(reading.city, Change(seconds))
            value = change.add(reading.timestamp.timestamp(), value)
        if value is not None:
            yield reading, value


def at_limit(rule: Rule, limit: float) -> Rule:
    """The rule with its mildest limit there; all other levels keep their distance from it."""
    first = rule.levels[0].limit

    def moved(level: Level) -> Level:
        to = round(limit + level.limit - first, 6)
        return Level(to, round(to + level.clear - level.limit, 6))

    return replace(rule, levels=tuple(moved(level) for level in rule.levels))


def _by_rareness(rule: Rule, readings: Iterable[Reading]) -> list[float]:
    """Levels that ever more of the values pass."""
    watched = (r for r in readings if rule.policy.watches(r.city))
    found = array("d", (value for _, value in values(rule, watched)))
    upward = rule.comparison is not None and rule.comparison.upward
    ordered = sorted(found, reverse=upward)
    if not ordered:
        return []
    places = (int(share * (len(ordered) - 1)) for share in _SHARES)
    return list(dict.fromkeys(round(ordered[place], _DIGITS) for place in places))


def _try(
    rules: Sequence[Rule],
    quality: QualityAlerts | None,
    readings: Iterable[Reading],
    known: Known | None,
) -> list[Try]:
    """All of the rules in one go."""
    named = {
        f"try-{number}": replace(
            rule, policy=replace(rule.policy, rule_id=f"try-{number}", inhibited_by=())
        )
        for number, rule in enumerate(rules)
    }
    found = run_backtest(Definitions(tuple(named.values()), quality=quality), readings, known)
    months = city_months(rules[0].policy, found.spans)
    return [
        Try(rule, len(found.of(name)) / months if months else 0.0)
        for name, rule in zip(named, rules, strict=True)
    ]


def _search(
    wanted: float, limits: Sequence[float], rates: Callable[[Sequence[float]], list[Try]]
) -> Proposal:
    tried = rates(limits)
    for rarer, other in pairwise(tried):
        if rarer.rate < wanted <= other.rate:
            between = _between(rarer.level.limit, other.level.limit)
            if between:
                at = tried.index(other)
                tried[at:at] = rates(between)
            break
    chosen = min(tried, key=lambda one: abs(one.rate - wanted))
    return Proposal(wanted, chosen, tuple(tried))


def _between(first: float, last: float) -> list[float]:
    """Levels at even distances between two, both excluded."""
    step = (last - first) / (_FINE + 1)
    levels = (round(first + number * step, _DIGITS) for number in range(1, _FINE + 1))
    return [level for level in dict.fromkeys(levels) if level not in (first, last)]
