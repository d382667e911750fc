"""What is told of a backtest: text for people, JSON for machines."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from citywx.alert_backtest import Report, RuleResult
from citywx.text_output import length
from citywx.weather.alerting.backtest import Firing
from citywx.weather.alerting.outcome import Outcome
from citywx.weather.alerting.proposal import Proposal
from citywx.weather.alerting.rules import Rule
from citywx.weather.reading import format_timestamp

_SHOWN_CITIES = 20
_SHOWN_COLUMNS = 12
_SHOWN_TRIES = 3
_YEAR = len("2026")


def as_text(report: Report, *, newest: int) -> str:
    """For people, with so many of the newest alerts of each rule."""
    return "\n".join([*_opening(report), *(_of_rule(one, newest) for one in report.rules)])


def as_json(report: Report) -> dict[str, object]:
    """For machines; times as in the log, durations in seconds."""
    return {
        "cities": {
            name: {
                "first": format_timestamp(span.first),
                "last": format_timestamp(span.last),
                "readings": span.readings,
            }
            for name, span in sorted(report.spans.items())
        },
        "bad_lines": report.bad_lines,
        "rules": [_rule_json(one) for one in report.rules],
    }


def _opening(report: Report) -> Iterator[str]:
    spans = report.spans.values()
    readings = sum(span.readings for span in spans)
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    yield (
        f"{readings:,} readings of {_cities(len(report.spans))}, "
        f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )
    if report.bad_lines:
        yield f"{_counted(report.bad_lines, 'line')} of the file could not be read"


def _of_rule(result: RuleResult, newest: int) -> str:
    found = result.outcome
    lines = ["", f"{found.rule_id}: {result.words}", f"  {_how_often(found)}"]
    if found.firings:
        lines += [f"  {line}" for line in (_how_long(found), _how_told(result))]
        lines += [f"  {line}" for line in _by_month(found)]
        lines += [f"  {line}" for line in _newest(found, newest)]
    if result.proposal is not None:
        lines += [f"  {line}" for line in _proposed(result.proposal)]
    return "\n".join(lines)


def _how_often(found: Outcome) -> str:
    if not found.firings:
        return "never fired"
    cities = len({firing.city for firing in found.firings})
    rate = f", {found.rate:.2g} a city a month" if found.city_months else ""
    return f"{_counted(len(found.firings), 'alert')} in {_cities(cities)}{rate}"


def _how_long(found: Outcome) -> str:
    median, longest = found.median_duration or timedelta(), found.longest_duration or timedelta()
    return f"half of them longer than {length(median)}, the longest {length(longest)}"


def _how_told(result: RuleResult) -> str:
    if not result.policy.notify:
        return "nobody would have been told (notify = false)"
    return f"{_counted(result.outcome.notices, 'notice')}, before grouping and silences"


def _by_month(found: Outcome) -> Iterator[str]:
    """A line a city, a column a month, or a year where there are many months."""
    counts = found.by_month
    months = sorted({month for _, month in counts})
    if len(months) > _SHOWN_COLUMNS:
        months = sorted({month[:_YEAR] for month in months})[-_SHOWN_COLUMNS:]
    cities = sorted({city for city, _ in counts})
    width = max(len(city) for city in cities[:_SHOWN_CITIES])
    yield f"{'':<{width}}  " + " ".join(f"{month:>7}" for month in months)
    for city in cities[:_SHOWN_CITIES]:
        numbers = (
            sum(n for (at, when), n in counts.items() if at == city and when.startswith(month))
            for month in months
        )
        yield f"{city:<{width}}  " + " ".join(f"{number:>7}" for number in numbers)
    if len(cities) > _SHOWN_CITIES:
        yield f"and {len(cities) - _SHOWN_CITIES} more cities"


def _newest(found: Outcome, count: int) -> Iterator[str]:
    pairs = list(zip(found.firings, found.durations, strict=True))[::-1][:count]
    if pairs:
        yield "the newest (UTC):"
    for firing, lasted in pairs:
        end = "" if firing.ended_at else ", not over"
        peak = "" if firing.peak is None else f", peak {round(firing.peak, 2):g}"
        yield (
            f"  {firing.fired_at:%Y-%m-%d %H:%M}  {firing.city}, {firing.severity.value}, "
            f"{length(lasted)}{end}{peak}"
        )


def _proposed(proposal: Proposal) -> Iterator[str]:
    chosen = proposal.chosen
    yield (
        f"for {proposal.wanted:g} alerts a city a month: {limits(chosen.rule)} "
        f"gives {chosen.rate:.2g}"
    )
    at = proposal.tried.index(chosen)
    near = proposal.tried[max(0, at - _SHOWN_TRIES) : at + _SHOWN_TRIES + 1]
    yield "near it: " + ", ".join(f"{one.level.limit:g} gives {one.rate:.2g}" for one in near)


def limits(rule: Rule) -> str:
    """The limits of a rule as they stand in its table."""
    comparison = rule.comparison.value if rule.comparison else ""
    return " / ".join(
        f"{comparison} = {level.limit:g}, clear = {level.clear:g}" for level in rule.levels
    )


def _rule_json(result: RuleResult) -> dict[str, object]:
    found = result.outcome
    return {
        "id": found.rule_id,
        "kind": result.policy.kind.value,
        "watches": result.words,
        "alerts": len(found.firings),
        "per_city_month": round(found.rate, 4),
        "median_seconds": _seconds(found.median_duration),
        "longest_seconds": _seconds(found.longest_duration),
        "notices": found.notices,
        "by_month": [
            {"city": city, "month": month, "alerts": count}
            for (city, month), count in sorted(found.by_month.items())
        ],
        "firings": [_firing_json(firing) for firing in found.firings],
        "proposal": None if result.proposal is None else _proposal_json(result.proposal),
    }


def _firing_json(firing: Firing) -> dict[str, object]:
    return {
        "city": firing.city,
        "severity": firing.severity.value,
        "started_at": format_timestamp(firing.started_at),
        "fired_at": format_timestamp(firing.fired_at),
        "ended_at": _moment(firing.ended_at),
        "peak": firing.peak,
        "peak_at": format_timestamp(firing.peak_at),
    }


def _proposal_json(proposal: Proposal) -> dict[str, object]:
    return {
        "wanted_per_city_month": proposal.wanted,
        "levels": [
            {"limit": level.limit, "clear": level.clear} for level in proposal.chosen.rule.levels
        ],
        "per_city_month": round(proposal.chosen.rate, 4),
        "tried": [
            {"limit": one.level.limit, "per_city_month": round(one.rate, 4)}
            for one in proposal.tried
        ],
    }


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _cities(number: int) -> str:
    return f"{number:,} {'city' if number == 1 else 'cities'}"


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_timestamp(moment)
