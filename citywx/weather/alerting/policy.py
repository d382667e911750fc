"""What rules and patterns have in common: whom they watch, how their alerts live and speak.

The keys of `alerts.toml` for it are `LIFE_KEYS`. What a condition looks at belongs to its own kind.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from fnmatch import fnmatchcase
from string import Formatter
from typing import Self

from citywx.weather.alerting.table_reader import TableReader

LIFE_KEYS = frozenset(
    {"id", "severity", "message", "advice", "cities", "notify", "for", "keep_firing_for"}
    | {"inhibited_by", "active", "allowed_lateness"}
)
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")
_FIELDS = frozenset(["city", "value", "unit", "limit", "peak", "since", "severity", "metric"])
NO_TIME = timedelta()


class Severity(StrEnum):
    """How serious an alert is."""

    INFO = "info"
    WARNING = "warning"
    SEVERE = "severe"

    @property
    def rank(self) -> int:
        """The greater, the more serious."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Kind(StrEnum):
    """What sort of condition stands behind an alert."""

    RULE = "rule"
    PATTERN = "pattern"
    ANOMALY = "anomaly"
    QUALITY = "quality"


class Worst(StrEnum):
    """Which of an alert's values is its peak."""

    HIGHEST = "highest"
    LOWEST = "lowest"
    FARTHEST = "farthest from zero"

    def of(self, one: float | None, other: float | None) -> float | None:
        """The worse of two values; a missing one is never worse.

        >>> Worst.FARTHEST.of(-5.0, 3.0), Worst.LOWEST.of(None, 2.0)
        (-5.0, 2.0)
        """
        if one is None or other is None:
            return other if one is None else one
        if self is Worst.HIGHEST:
            return max(one, other)
        if self is Worst.LOWEST:
            return min(one, other)
        return max(one, other, key=abs)


@dataclass(frozen=True, slots=True)
class Hours:
    """Part of a local day; over midnight where it ends before it begins."""

    begin: time
    end: time
    """Midnight as 00:00."""

    def include(self, moment: datetime) -> bool:
        """Whether a local time is inside."""
        now = moment.time()
        if self.begin < self.end:
            return self.begin <= now < self.end
        return now >= self.begin or now < self.end


@dataclass(frozen=True, slots=True)
class Policy:
    """How the alerts of one rule or pattern live."""

    rule_id: str
    kind: Kind
    severities: tuple[Severity, ...]
    """Of each level, the lowest first."""
    message: str
    """A few words for the condition, or a whole sentence with {value} and the like in it."""
    advice: str = ""
    """What to do."""
    cities: tuple[str, ...] = ()
    """Names or patterns such as `Lon*`; none: everywhere."""
    notify: bool = True
    """Whether people are told; else it is only recorded, published and shown."""
    hold: timedelta = NO_TIME
    """`for`: how long the condition must hold before the alert fires."""
    keep: timedelta = NO_TIME
    """`keep_firing_for`: how long it must be gone before the alert ends."""
    inhibited_by: tuple[str, ...] = ()
    """While one of these rules fires in the city, nobody is told."""
    hours: Hours | None = None
    """`active`: outside these local hours the condition counts as not held."""
    lateness: timedelta = NO_TIME
    """How late a reading may come and still be sorted in; decisions wait as long."""
    worst: Worst = Worst.HIGHEST

    def watches(self, city: str) -> bool:
        """Whether the city is one of its own."""
        return not self.cities or any(fnmatchcase(city, name) for name in self.cities)

    def severity(self, level: int) -> Severity:
        """The severity of a level from 1 on."""
        return self.severities[level - 1]

    def at_once(self) -> Self:
        """The same without delays."""
        return replace(self, hold=NO_TIME, keep=NO_TIME)

    def active_at(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether the condition counts at that moment in a city of that zone."""
        return self.hours is None or self.hours.include(moment.astimezone(zone))


def read_policy(
    reader: TableReader,
    kind: Kind,
    *,
    severities: tuple[Severity, ...] | None = None,
    lateness: timedelta = NO_TIME,
    worst: Worst = Worst.FARTHEST,
) -> Policy:
    """The policy of a table; its severity stands in it unless `severities` are given."""
    if severities is None:
        severities = (Severity(reader.one_of("severity", tuple(Severity))),)
    return Policy(
        rule_id=reader.identifier("id"),
        kind=kind,
        severities=severities,
        message=_message(reader),
        advice=reader.text("advice", default=""),
        cities=reader.texts("cities"),
        notify=reader.flag("notify", default=True),
        hold=reader.duration("for", default=NO_TIME),
        keep=reader.duration("keep_firing_for", default=NO_TIME),
        inhibited_by=reader.texts("inhibited_by"),
        hours=read_hours(reader, "active"),
        lateness=reader.duration("allowed_lateness", default=lateness),
        worst=worst,
    )


def _message(reader: TableReader) -> str:
    message = reader.text("message")
    try:
        fields = [field for _, field, _, _ in Formatter().parse(message) if field is not None]
        message.format_map(dict.fromkeys(_FIELDS, ""))
    except (ValueError, KeyError, IndexError, AttributeError):
        reader.fail("message", f"may have {{…}} only for {', '.join(sorted(_FIELDS))}")
    if unknown := [field for field in fields if field not in _FIELDS]:
        reader.fail("message", f"has {{{unknown[0]}}}; known are {', '.join(sorted(_FIELDS))}")
    return message


def read_hours(reader: TableReader, key: str) -> Hours | None:
    """Part of a day such as "06:00-22:00"; None where the key is absent."""
    if key not in reader:
        return None
    match = _HOURS.fullmatch(reader.text(key))
    if match is None or (match[3] == "24" and match[4] != "00"):
        reader.fail(key, 'must be local hours such as "06:00-22:00"')
    begin = time(int(match[1]), int(match[2]))
    end = time(int(match[3]) % 24, int(match[4]))
    if begin == end:
        reader.fail(key, "must not begin when it ends")
    return Hours(begin, end)
