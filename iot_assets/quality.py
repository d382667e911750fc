"""What the data-quality report says, and its page: queries → facts → HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection, text

from citywx.home import Home
from citywx.weather.quality.flags import QcFlag

_WEEK = timedelta(days=7)
_MOST_REASONS = 50
_SAMPLE_BYTES = 160

_ACCOUNTS = text("""
    SELECT coalesce(sum(lines), 0) AS lines, coalesce(sum(loaded), 0) AS loaded,
           coalesce(sum(duplicates), 0) AS duplicates, coalesce(sum(corrected), 0) AS corrected,
           coalesce(sum(rejected), 0) AS rejected, coalesce(sum(skipped), 0) AS skipped
    FROM ingest_batches
""")
_CITIES = text("""
    SELECT cities.name, latest."timestamp" AS latest, week.readings, week.longest_gap
    FROM cities
    CROSS JOIN LATERAL (
        SELECT "timestamp" FROM weather_readings WHERE city = cities.name
        ORDER BY "timestamp" DESC LIMIT 1
    ) AS latest
    CROSS JOIN LATERAL (
        SELECT count(*) AS readings, max(gap) AS longest_gap FROM (
            SELECT "timestamp" - lag("timestamp") OVER (ORDER BY "timestamp") AS gap
            FROM weather_readings
            WHERE city = cities.name AND "timestamp" > latest."timestamp" - CAST(:week AS interval)
        ) AS gaps
    ) AS week
    ORDER BY cities.name
""")
_FLAGS = text("""
    SELECT cities.name AS city, flagged.flag, flagged.readings
    FROM cities
    CROSS JOIN LATERAL (
        SELECT flag, count(*) AS readings FROM weather_readings, unnest(qc_flags) AS flag
        WHERE city = cities.name AND "timestamp" > CAST(:week AS interval) * -1 + (
            SELECT max("timestamp") FROM weather_readings WHERE city = cities.name
        )
        GROUP BY flag
    ) AS flagged
    ORDER BY flagged.readings DESC, cities.name, flagged.flag
""")
_REJECTED = text("""
    SELECT regexp_replace(reason, '''[^'']*''|-?[0-9][0-9:.TZ+-]*', '…', 'g') AS reason,
           count(*) AS lines, max(first_seen) AS last_seen,
           (array_agg(substring(raw FOR :bytes) ORDER BY first_seen DESC))[1] AS sample
    FROM rejected_lines GROUP BY 1 ORDER BY lines DESC LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class CityFacts:
    """How one city is doing."""

    name: str
    latest: datetime
    age: str
    readings: int
    longest_gap: str


@dataclass(frozen=True, slots=True)
class FlagFacts:
    """How often one flag was raised in one city."""

    city: str
    sentence: str
    readings: int


@dataclass(frozen=True, slots=True)
class RejectedFacts:
    """How many lines were rejected for one reason, and one of them."""

    reason: str
    lines: int
    last_seen: datetime
    sample: str


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """How a check went when it last ran."""

    asset: str
    name: str
    passed: bool


@dataclass(frozen=True, slots=True)
class QualityReport:
    """All that the page shows."""

    home: str
    kind: str
    made_at: datetime
    accounts: dict[str, int]
    cities: tuple[CityFacts, ...]
    flags: tuple[FlagFacts, ...]
    rejected: tuple[RejectedFacts, ...]
    checks: tuple[CheckFacts, ...]

    @property
    def balanced(self) -> bool:
        """Whether every line is accounted for."""
        return 2 * self.accounts["lines"] == sum(self.accounts.values())


def quality_report(
    connection: Connection, home: Home, checks: Sequence[CheckFacts], *, now: datetime
) -> QualityReport:
    """Gather the facts; `now` is what ages are counted to."""
    week = {"week": _WEEK}
    return QualityReport(
        home=home.name,
        kind=home.kind.value,
        made_at=now,
        accounts={k: int(v) for k, v in connection.execute(_ACCOUNTS).mappings().one().items()},
        cities=tuple(
            CityFacts(
                row.name, row.latest, span(now - row.latest), row.readings, span(row.longest_gap)
            )
            for row in connection.execute(_CITIES, week)
        ),
        flags=tuple(
            FlagFacts(row.city, _sentence(row.flag), row.readings)
            for row in connection.execute(_FLAGS, week)
        ),
        rejected=tuple(
            RejectedFacts(row.reason, row.lines, row.last_seen, _shown(row.sample))
            for row in connection.execute(
                _REJECTED, {"bytes": _SAMPLE_BYTES, "most": _MOST_REASONS}
            )
        ),
        checks=tuple(checks),
    )


def render(report: QualityReport) -> str:
    """The page, complete in itself; text from outside cannot act in it."""
    environment = Environment(
        loader=PackageLoader("iot_assets"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["moment"] = lambda moment: f"{moment:%Y-%m-%d %H:%M}"
    return environment.get_template("quality_report.html").render(report=report)


def span(duration: timedelta | None) -> str:
    """A duration in the unit that people would use.

    >>> span(timedelta(minutes=90)), span(timedelta(days=3)), span(None)
    ('90 min', '72 h', '–')
    """
    if duration is None:
        return "–"
    seconds = duration.total_seconds()
    if seconds < _IN_SECONDS:
        return f"{seconds:.0f} s"
    if seconds < _IN_MINUTES:
        return f"{seconds / 60:.0f} min"
    if seconds < _IN_HOURS:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:,.0f} days"


_IN_SECONDS = 120
_IN_MINUTES = 2 * 3600
_IN_HOURS = 4 * 86_400


def _sentence(flag: str) -> str:
    return QcFlag[flag].value if flag in QcFlag.__members__ else flag


def _shown(raw: bytes) -> str:
    line = bytes(raw).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
