"""Reads the `[[pattern]]` tables of `alerts.toml`: which kinds there are, and what each is."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from citywx.weather.alerting.finding import Detector
from citywx.weather.alerting.patterns import (
    all_of,
    change,
    count,
    diverge,
    peer,
    sequence,
    spread,
    stuck,
)
from citywx.weather.alerting.patterns.conditions import Definition, Match
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.table_reader import TableReader


@dataclass(frozen=True, slots=True)
class Pattern:
    """One `[[pattern]]`, but for what every alert has: severity, message, cities and the like."""

    pattern_id: str
    kind: str
    definition: Definition

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return self.definition.detector(feed)


@dataclass(frozen=True, slots=True)
class _Kind:
    read: Callable[[PatternReader], Definition]
    keys: tuple[str, ...]


_KINDS = {
    "rise": _Kind(change.read_rise, change.KEYS),
    "fall": _Kind(change.read_fall, change.KEYS),
    "sequence": _Kind(sequence.read, sequence.KEYS),
    "all_of": _Kind(all_of.read, all_of.KEYS),
    "count": _Kind(count.read, count.KEYS),
    "stuck": _Kind(stuck.read, stuck.KEYS),
    "diverge": _Kind(diverge.read, diverge.KEYS),
    "spread": _Kind(spread.read, spread.KEYS),
    "peer": _Kind(peer.read, peer.KEYS),
}

KINDS = tuple(_KINDS)
"""What `kind` may say."""


def read_patterns(tables: Iterable[TableReader], life_keys: Collection[str]) -> tuple[Pattern, ...]:
    """The patterns of these tables; RuleError says what is wrong where.

    `life_keys`: the keys that every alert has, `id` among them; they are read elsewhere.
    """
    return _Document(tables, life_keys).patterns()


class _Document:
    """Reads each table once, and those that a condition names before the one it stands in."""

    def __init__(self, tables: Iterable[TableReader], life_keys: Collection[str]) -> None:
        self._life_keys = life_keys
        self._tables: dict[str, TableReader] = {}
        for table in tables:
            pattern_id = table.identifier("id")
            if pattern_id in self._tables:
                table.fail("id", f"{pattern_id!r} stands twice")
            self._tables[pattern_id] = table
        self._read: dict[str, Pattern] = {}
        self._reading: list[str] = []

    def patterns(self) -> tuple[Pattern, ...]:
        return tuple(self._pattern(pattern_id) for pattern_id in self._tables)

    def _pattern(self, pattern_id: str) -> Pattern:
        if pattern_id not in self._read:
            self._reading.append(pattern_id)
            self._read[pattern_id] = self._parse(pattern_id)
            self._reading.pop()
        return self._read[pattern_id]

    def _parse(self, pattern_id: str) -> Pattern:
        table = self._tables[pattern_id]
        reader = PatternReader(table.table, f"pattern {pattern_id!r}", table.lines, self._find)
        name = reader.one_of("kind", KINDS)
        kind = _KINDS[name]
        reader.only({"kind", *kind.keys, *self._life_keys}, f"a pattern of kind {name}")
        return Pattern(pattern_id, name, kind.read(reader))

    def _find(self, reader: PatternReader) -> Match:
        named = reader.text("pattern")
        if named not in self._tables:
            reader.fail("pattern", f"names none: {named!r}")
        if named in self._reading:
            reader.fail("pattern", f"leads back to itself: {named!r}")
        definition = self._pattern(named).definition
        if definition.crosses_cities:
            reader.fail("pattern", f"must be of one city; {named!r} is of several")
        return Match(named, definition)
