"""What an alert rule is, and how `alerts.toml` says it. Applying rules belongs in `steps`."""

import math
import operator
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from citywx.weather.reading import MEASURES

UNITS = {"temperature_c": "°C", "humidity": "%", "pressure": "hPa", "wind_speed": "m/s"}

_KEYS = {"id", "metric", "clear", "severity", "message", "cities", "notify"}
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


class RuleError(ValueError):
    """The rules file is wrong; the message names the rule and the key."""


class Severity(StrEnum):
    """How serious an alert is."""

    INFO = "info"
    WARNING = "warning"
    SEVERE = "severe"


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


_HOLDS: dict[Comparison, Callable[[float, float], bool]] = {
    Comparison.ABOVE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.BELOW: operator.lt,
    Comparison.AT_MOST: operator.le,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires where a metric passes its limit, and resolves once it is back at the clear level."""

    rule_id: str
    metric: str
    """One of `MEASURES`."""
    comparison: Comparison
    limit: float
    """In the metric's unit, as `clear`."""
    clear: float
    """Resolves at this level or on its harmless side."""
    severity: Severity
    message: str
    """A few words: what the condition is called."""
    cities: frozenset[str] = frozenset()
    """Where it applies; empty: everywhere."""
    notify: bool = True
    """Whether people are told; else it is only recorded and published."""

    def applies_to(self, city: str) -> bool:
        """Whether the rule watches this city."""
        return not self.cities or city in self.cities

    def fires_at(self, value: float) -> bool:
        """Whether the value passes the limit."""
        return _HOLDS[self.comparison](value, self.limit)

    def clears_at(self, value: float) -> bool:
        """Whether the value is back at the clear level, or better."""
        return value <= self.clear if self.comparison.upward else value >= self.clear


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Read and check a rules file; RuleError says what is wrong where."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise RuleError(message) from None
    try:
        return parse_rules(text)
    except RuleError as error:
        message = f"{path}: {error}"
        raise RuleError(message) from None


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Rules from TOML text: one `[[rule]]` table each.

    >>> rule = parse_rules('''
    ... [[rule]]
    ... id = "warm"
    ... metric = "temperature_c"
    ... above = 23
    ... severity = "info"
    ... message = "Warm"
    ... ''')[0]
    >>> rule.fires_at(23.1), rule.fires_at(23.0), rule.clears_at(23.0)
    (True, False, True)
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"not TOML: {error}"
        raise RuleError(message) from None
    if unknown := sorted(document.keys() - {"rule"}):
        message = f"unknown key {unknown[0]!r}: every rule is a [[rule]] table"
        raise RuleError(message)
    tables = document.get("rule", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        message = "every rule is a [[rule]] table"
        raise RuleError(message)
    rules = tuple(_rule(table, number) for number, table in enumerate(tables, 1))
    seen: set[str] = set()
    for rule in rules:
        if rule.rule_id in seen:
            message = f"rule {rule.rule_id!r}: id stands twice"
            raise RuleError(message)
        seen.add(rule.rule_id)
    return rules


def _rule(table: Mapping[str, Any], number: int) -> Rule:
    reader = _TableReader(table, f"rule number {number}")
    rule_id = reader.text("id")
    if not _ID.fullmatch(rule_id):
        reader.fail("id", "must be lower-case letters, digits, - and _, at most 60")
    reader.name = f"rule {rule_id!r}"
    if unknown := sorted(table.keys() - _KEYS - {c.value for c in Comparison}):
        reader.fail(unknown[0], "is no key of a rule")
    metric = reader.one_of("metric", MEASURES)
    comparison = reader.comparison()
    limit = reader.number(comparison.value)
    clear = reader.number("clear", default=limit)
    _check_clear(reader, comparison, limit, clear)
    return Rule(
        rule_id=rule_id,
        metric=metric,
        comparison=comparison,
        limit=limit,
        clear=clear,
        severity=Severity(reader.one_of("severity", tuple(Severity))),
        message=reader.text("message"),
        cities=reader.cities(),
        notify=reader.flag("notify", default=True),
    )


def _check_clear(
    reader: "_TableReader", comparison: Comparison, limit: float, clear: float
) -> None:
    wrong_side = clear > limit if comparison.upward else clear < limit
    if wrong_side:
        reader.fail("clear", f"must not be {'above' if comparison.upward else 'below'} the limit")
    if clear == limit and comparison in (Comparison.AT_LEAST, Comparison.AT_MOST):
        side = "below" if comparison.upward else "above"
        reader.fail("clear", f"is needed with {comparison}, and must be {side} the limit")


class _TableReader:
    """Takes checked values from one rule's table."""

    def __init__(self, table: Mapping[str, Any], name: str) -> None:
        self._table = table
        self.name = name

    def fail(self, key: str, reason: str) -> NoReturn:
        message = f"{self.name}: {key} {reason}"
        raise RuleError(message)

    def text(self, key: str) -> str:
        value = self._table.get(key)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            self.fail(key, "must be a text on one line")
        return value.strip()

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self._table.get(key)
        if value not in allowed:
            self.fail(key, f"must be one of {', '.join(allowed)}")
        return str(value)

    def number(self, key: str, default: float | None = None) -> float:
        value = self._table.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            self.fail(key, "must be a number")
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._table.get(key, default)
        if not isinstance(value, bool):
            self.fail(key, "must be true or false")
        return value

    def cities(self) -> frozenset[str]:
        value = self._table.get("cities", [])
        if not isinstance(value, list) or not all(isinstance(c, str) and c for c in value):
            self.fail("cities", "must be a list of city names")
        return frozenset(value)

    def comparison(self) -> Comparison:
        given = [c for c in Comparison if c.value in self._table]
        if len(given) != 1:
            self.fail(" / ".join(Comparison), "exactly one of them must be given")
        return given[0]
