"""A notice in words, for every receiver alike: what, where, since when, how bad, what to do."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from citywx.notices.content import Content, NoticeAlert
from citywx.notices.planning import NoticeKind
from citywx.text_output import length
from citywx.weather.alerting.metrics import METRICS

ORIGINS = {
    "simulated": "These readings are simulated: this is not the real weather.",
    "replay": "These readings are replayed from a file: this is not today's weather.",
}
_SUSPECT = "The readings behind it are doubtful."
TEST = "This is a test. The weather that it tells of is made up."


def title(content: Content) -> str:
    """One line: how serious, what, where."""
    what = _phrase(content.rules[0]) if content.rule_count == 1 else f"{content.alert_count} alerts"
    where = _enumerated(content.cities, content.city_count, "cities")
    head = f"{content.severity.capitalize()}: " if content.firing else "Over: "
    if content.kind is NoticeKind.REMINDER:
        head += "still "
        what = what[:1].lower() + what[1:]
    mark = {"simulated": "[simulated] ", "replay": "[replay] "}.get(content.origin, "")
    test = "[test] " if content.kind is NoticeKind.TEST else ""
    return f"{test}{mark}{head}{what} in {where}"


def opening(content: Content) -> list[str]:
    """Sentences that a reader must know before the rest."""
    test = TEST if content.kind is NoticeKind.TEST else None
    return [line for line in (test, ORIGINS.get(content.origin)) if line]


def closing(content: Content) -> list[str]:
    """Sentences about what is not listed."""
    said = []
    if content.more:
        said.append(f"And {_counted(content.more, 'more alert')}, not listed here.")
    if content.firing_beside:
        are = "is" if content.firing_beside == 1 else "are"
        said.append(f"{_counted(content.firing_beside, 'other alert')} {are} still going on.")
    return said


def headline(alert: NoticeAlert) -> str:
    """An alert in one line: what and where."""
    return alert.message


def facts(alert: NoticeAlert) -> list[str]:
    """Since when, how bad, and what to do, a sentence each."""
    said = [_duration(alert)]
    if alert.peak is not None:
        at = f" at {_local(alert.peak_at, alert)}" if alert.peak_at else ""
        said.append(f"Peak {_value(alert.peak, alert.metric)}{at}.")
    if alert.suspect:
        said.append(_SUSPECT)
    if alert.advice and alert.firing:
        said.append(alert.advice)
    return said


def plain_text(content: Content) -> str:
    """The whole notice, for receivers that take plain text."""
    blocks = [*opening(content)]
    for alert in content.alerts:
        lines = "\n".join(f"  {line}" for line in facts(alert))
        blocks.append(f"{headline(alert)} ({alert.severity})\n{lines}")
    return "\n\n".join([*blocks, *closing(content)])


def _duration(alert: NoticeAlert) -> str:
    since = _local(alert.started_at, alert)
    if alert.resolved_at is None:
        return f"Since {since}."
    end = _local(alert.resolved_at, alert)
    return f"From {since} to {end}: {length(alert.resolved_at - alert.started_at)}."


def _local(moment: datetime, alert: NoticeAlert) -> str:
    return f"{moment.astimezone(ZoneInfo(alert.zone)):%a %d %b, %H:%M}"


def _value(value: float, metric: str) -> str:
    unit = METRICS[metric].unit if metric in METRICS else ""
    return f"{round(value, 1):g} {unit}".replace("-", "−").strip()


def _phrase(rule_id: str) -> str:
    """A rule's id as words.

    >>> _phrase("severe-heat")
    'Severe heat'
    """
    return rule_id.replace("-", " ").replace("_", " ").capitalize()


def _enumerated(names: Sequence[str], count: int, what: str) -> str:
    """Names, or how many there are.

    >>> _enumerated(("Cairo", "Oslo"), 2, "cities"), _enumerated(("Cairo",), 40, "cities")
    ('Cairo and Oslo', '40 cities')
    """
    if count > len(names):
        return f"{count} {what}"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
