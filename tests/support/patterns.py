"""Patterns from TOML, and readings for them."""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from citywx.weather.alerting.finding import Detector, Finding
from citywx.weather.alerting.patterns.definitions import Pattern, read_patterns
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.places import Places
from citywx.weather.alerting.policy import LIFE_KEYS
from citywx.weather.alerting.table_reader import TableReader, key_lines
from citywx.weather.reading import Reading

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def patterns(toml: str) -> tuple[Pattern, ...]:
    """The patterns of a text of `[[pattern]]` tables."""
    tables = tomllib.loads(toml)["pattern"]
    lines = key_lines(toml, "pattern")
    readers = [
        TableReader(table, f"pattern number {number}", where)
        for number, (table, where) in enumerate(zip(tables, lines, strict=True), 1)
    ]
    return read_patterns(readers, LIFE_KEYS)


def detector(toml: str, places: Places | None = None) -> Detector:
    """A detector of the last pattern, given as `[[pattern]]` tables or the keys of one."""
    text = toml if "[[pattern]]" in toml else f'[[pattern]]\nid = "it"\n{toml}'
    return patterns(text)[-1].detector(Feed(places))


def at(minute: float, city: str = "Oslo", **values: float | None) -> Reading:
    """A reading so many minutes after noon."""
    return Reading(NOON + timedelta(minutes=minute), city, **values)  # type: ignore[arg-type]


def found(detector: Detector, readings: Iterable[Reading]) -> list[Finding]:
    """All that the detector finds."""
    return [finding for reading in readings for finding in detector.observe(reading)]


def levels(detector: Detector, readings: Iterable[Reading]) -> list[tuple[int, int]]:
    """Minutes after noon, and the level found then."""
    return [(minutes(one.observed_at), one.level) for one in found(detector, readings)]


def minutes(moment: datetime) -> int:
    """Minutes after noon."""
    return round((moment - NOON).total_seconds() / 60)


def temperatures(values: Sequence[float | None], step: float = 10) -> list[Reading]:
    """Readings of one city, so many minutes apart."""
    return [at(step * place, temperature_c=value) for place, value in enumerate(values)]
