"""Takes a pattern's own values from its table: metrics, spans and the conditions it is made of."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from citywx.weather.alerting.metrics import METRICS
from citywx.weather.alerting.patterns.conditions import Condition, Limit, Match, Move
from citywx.weather.alerting.rules import Comparison
from citywx.weather.alerting.table_reader import TableReader

_COMPARISONS = tuple(comparison.value for comparison in Comparison)
_MOVES = ("rise", "fall")

Find = Callable[["PatternReader"], Match]
"""Finds the pattern that a condition's `pattern` names."""


class PatternReader(TableReader):
    """Reads the table of a pattern, or of a condition in it."""

    def __init__(
        self, table: Mapping[str, Any], name: str, lines: Mapping[str, int], find: Find
    ) -> None:
        super().__init__(table, name, lines)
        self._find = find

    def metric(self, key: str = "metric") -> str:
        """The name of a metric."""
        return self.one_of(key, METRICS)

    def span(self, key: str = "within", default: timedelta | None = None) -> timedelta:
        """A duration above 0."""
        span = self.duration(key, default)
        if not span:
            self.fail(key, "must be above 0")
        return span

    def clear_below(self, key: str, default: float) -> float:
        """The level of `clear` under that of the key; it may not be as high."""
        clear = self.number("clear", default)
        if clear >= self.number(key):
            self.fail("clear", f"must be below {key}")
        return clear

    def names(self, key: str, least: int) -> tuple[str, ...]:
        """Different cities, at least so many."""
        names = self.texts(key)
        if len(names) < least or len(set(names)) < len(names):
            self.fail(key, f"must be at least {least} different cities")
        return names

    def only_one(self, keys: Collection[str]) -> str:
        """The one of the keys that is given."""
        given = [key for key in keys if key in self]
        if len(given) != 1:
            self.fail(" / ".join(keys), "exactly one of them must be given")
        return given[0]

    def condition(self, key: str, within: timedelta | None = None) -> Condition:
        """An inline table that says a condition; `within`: the span where it names none."""
        value = self.table.get(key)
        if not isinstance(value, dict):
            self.fail(key, "must be a condition such as { metric = …, above = … }")
        return _condition(self._inner(value, key), within)

    def optional_condition(self, key: str, within: timedelta | None = None) -> Condition | None:
        """The same, or None where it is not given."""
        return self.condition(key, within) if key in self else None

    def conditions(self, key: str, within: timedelta | None = None) -> tuple[Condition, ...]:
        """A list of at least two conditions."""
        value = self.table.get(key)
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.fail(key, "must be a list of conditions such as [{ metric = …, above = … }, …]")
        if len(value) < 2:  # noqa: PLR2004 - one alone is a rule
            self.fail(key, "must be at least two")
        inner = (self._inner(one, f"{key} {number}") for number, one in enumerate(value, 1))
        return tuple(_condition(one, within) for one in inner)

    def _inner(self, table: Mapping[str, Any], key: str) -> "PatternReader":
        line = self.lines.get(key.split(maxsplit=1)[0], self.lines.get(""))
        lines = {} if line is None else {"": line}
        return PatternReader(table, f"{self.name}: {key}", lines, self._find)

    def match(self) -> Match:
        """The pattern that a condition names."""
        self.only({"pattern"}, "a condition on a pattern")
        return self._find(self)


def _condition(reader: PatternReader, within: timedelta | None) -> Condition:
    if "pattern" in reader:
        return reader.match()
    key = reader.only_one((*_COMPARISONS, *_MOVES))
    return _move(reader, key, within) if key in _MOVES else _limit(reader, Comparison(key))


def _move(reader: PatternReader, key: str, within: timedelta | None) -> Move:
    reader.only({"metric", key, "within", "clear"}, f"a condition on a {key}")
    return Move(
        metric=reader.metric(),
        rising=key == "rise",
        by=reader.positive(key),
        within=reader.span(default=within),
        clear=reader.clear_below(key, default=0) if "clear" in reader else None,
    )


def _limit(reader: PatternReader, comparison: Comparison) -> Limit:
    reader.only({"metric", comparison, "clear"}, "a condition on a limit")
    limit = reader.number(comparison)
    clear = reader.number("clear") if "clear" in reader else None
    if clear is not None and (clear >= limit if comparison.upward else clear <= limit):
        reader.fail("clear", f"must be {'below' if comparison.upward else 'above'} the limit")
    return Limit(reader.metric(), comparison, limit, clear)
