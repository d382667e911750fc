"""The report as an HTML page that is complete in itself, and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime, timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined

from iot_assets.report.facts import DayFacts, QualityReport

_WIDTH, _HEIGHT = 720, 60


def render(report: QualityReport) -> str:
    """The page; text from outside cannot act in it."""
    environment = Environment(
        loader=PackageLoader("iot_assets"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "moment": lambda moment: f"{moment:%Y-%m-%d %H:%M}",
        "number": lambda number: f"{number:,}",
        "span": span,
    }
    return environment.get_template("quality_report.html").render(
        report=report, calendar=calendar(report.days), trend=trend(report.days)
    )


def as_json(report: QualityReport) -> str:
    """The same facts for machines; times are ISO 8601, spans seconds."""
    facts = {"verdict": report.verdict, "balanced": report.balanced, **asdict(report)}
    return json.dumps(facts, default=_json, indent=2, ensure_ascii=False)


def calendar(days: tuple[DayFacts, ...]) -> dict[str, list[tuple[date, DayFacts | None]]]:
    """For each city every day from the first to the last of all; None where it has no reading."""
    if not days:
        return {}
    first, last = min(one.day for one in days), max(one.day for one in days)
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    by_key = {(one.city, one.day): one for one in days}
    cities = sorted({one.city for one in days})
    return {city: [(day, by_key.get((city, day))) for day in every] for city in cities}


def trend(days: tuple[DayFacts, ...]) -> str:
    """The share of doubtful readings day by day, as the points of a line in a small picture."""
    totals: dict[date, list[int]] = {}
    for one in days:
        total = totals.setdefault(one.day, [0, 0])
        total[0] += one.readings
        total[1] += one.suspect + one.failed
    return " ".join(
        _points([bad / max(readings, 1) for _, (readings, bad) in sorted(totals.items())])
    )


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


def _points(shares: list[float]) -> Iterator[str]:
    highest = max([*shares, 0.01])
    step = _WIDTH / max(len(shares) - 1, 1)
    for place, share in enumerate(shares):
        yield f"{place * step:.1f},{_HEIGHT - 4 - share / highest * (_HEIGHT - 8):.1f}"


def _json(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    message = f"{value!r} has no form in JSON"
    raise TypeError(message)
