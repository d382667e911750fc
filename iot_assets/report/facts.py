"""What the data-quality report says, as plain values: pages and JSON are made of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from citywx.weather.quality.flags import QcFlag


@dataclass(frozen=True, slots=True)
class CityFacts:
    """How one city is doing."""

    name: str
    latest: datetime
    age: timedelta
    readings: int
    """In the last 7 days."""
    longest_gap: timedelta | None


@dataclass(frozen=True, slots=True)
class DayFacts:
    """What one city's readings of a UTC day are worth."""

    city: str
    day: date
    readings: int
    suspect: int
    failed: int

    @property
    def level(self) -> int:
        """From 0 (all good) to 4 (most are bad); failed readings weigh more.

        >>> DayFacts("Oslo", date(2026, 3, 1), readings=100, suspect=2, failed=0).level
        1
        """
        share = (self.suspect + 3 * self.failed) / max(self.readings, 1)
        return sum(share > limit for limit in _LEVELS)


_LEVELS = (0.0, 0.02, 0.10, 0.40)


@dataclass(frozen=True, slots=True)
class LogLine:
    """Where in the log a reading stands: the raw line behind a figure."""

    segment: str
    offset: int


@dataclass(frozen=True, slots=True)
class Example:
    """A reading that has a flag."""

    city: str
    timestamp: datetime
    values: str
    source: str
    line: LogLine | None
    """None where its raw reading is no longer kept."""


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """How often a flag was raised in the last 7 days, where, and for example."""

    flag: str
    sentence: str
    readings: int
    the_week_before: int
    cities: Mapping[str, int]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class RejectedFacts:
    """How many lines were rejected for one reason, and the newest of them."""

    reason: str
    lines: int
    last_seen: datetime
    sample: str
    line: LogLine


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """How a check went when it last ran."""

    asset: str
    name: str
    passed: bool
    blocking: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A count of the last day beside the day before."""

    what: str
    now: int
    before: int


@dataclass(frozen=True, slots=True)
class QualityReport:
    """All that the report shows."""

    home: str
    kind: str
    made_at: datetime
    accounts: Mapping[str, int]
    """Counts of lines, by what became of them."""
    cities: tuple[CityFacts, ...]
    days: tuple[DayFacts, ...]
    """The last 12 weeks up to the newest reading; a day without readings has no entry."""
    changes: tuple[Change, ...]
    flags: tuple[FlagFacts, ...]
    rejected: tuple[RejectedFacts, ...]
    checks: tuple[CheckFacts, ...]

    @property
    def balanced(self) -> bool:
        """Whether every line is accounted for."""
        return 2 * self.accounts["lines"] == sum(self.accounts.values())

    @property
    def verdict(self) -> str:
        """The report in one sentence."""
        failed = [check for check in self.checks if not check.passed]
        if not self.balanced or any(check.blocking for check in failed):
            return "Something is wrong: a blocking check failed, or lines are unaccounted for."
        if failed:
            return f"Usable, with {_counted(len(failed), 'warning')}."
        return "All checks passed."


def sentence_of(flag: str) -> str:
    """What a flag's name means for people."""
    return QcFlag[flag].value if flag in QcFlag.__members__ else flag


def changes_between(now: Mapping[str, int], before: Mapping[str, int]) -> tuple[Change, ...]:
    """What differs between two days' counts, the greatest differences first.

    >>> changes_between({"loaded": 5, "rejected": 0}, {"loaded": 3, "rejected": 0})
    (Change(what='loaded', now=5, before=3),)
    """
    found = [
        Change(what, now.get(what, 0), before.get(what, 0))
        for what in dict.fromkeys((*now, *before))
        if now.get(what, 0) != before.get(what, 0)
    ]
    return tuple(sorted(found, key=lambda change: -abs(change.now - change.before)))


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
