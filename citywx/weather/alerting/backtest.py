"""What rules and patterns would have fired on a history: definitions and readings → firings.

The history goes through the same book as live readings do. Where it comes from belongs to the
caller, figures about firings in `outcome`, levels for a wanted rate in `proposal`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from citywx.weather.alerting.bench import Known
from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import Definitions
from citywx.weather.alerting.events import AlertEvent
from citywx.weather.alerting.life import Event
from citywx.weather.alerting.policy import Severity
from citywx.weather.reading import ARCHIVE_SOURCE, DEFAULT_SOURCE, Reading

_TICK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From a city's first to its last reading."""

    first: datetime
    last: datetime
    readings: int


@dataclass(frozen=True, slots=True)
class Firing:
    """One alert that would have fired."""

    rule_id: str
    city: str
    severity: Severity
    """The worst it had."""
    started_at: datetime
    """Since when the condition held."""
    fired_at: datetime
    """Later than that by `for`."""
    ended_at: datetime | None
    """None: it still fired when the history ended."""
    peak: float | None
    peak_at: datetime
    escalated_at: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Backtest:
    """All that would have fired, in order."""

    firings: tuple[Firing, ...]
    spans: Mapping[str, Span]
    """By city."""

    def of(self, rule_id: str) -> list[Firing]:
        """The firings of one rule or pattern."""
        return [firing for firing in self.firings if firing.rule_id == rule_id]


def run_backtest(
    definitions: Definitions, readings: Iterable[Reading], known: Known | None = None
) -> Backtest:
    """Judge a history whose readings come in order of observation.

    The anomaly score is left out: its models have learnt from the history.
    """
    book = AlertBook(definitions, known)
    reach = _silence_reach(definitions)
    ledger = _Ledger()
    now: datetime | None = None
    for reading in readings:
        at = reading.timestamp
        if reach is not None and now is not None and at > now:
            for moment in _moments_between(now, at, reach):
                ledger.note(book.tick(moment) or ())
        now = at
        ledger.see(reading)
        ledger.note(book.judge(_as_if_live(reading)))
    if now is not None:
        lateness = max((p.lateness for p in definitions.policies), default=timedelta())
        ledger.note(book.tick(now + lateness) or ())
    return ledger.close(book)


def restricted(definitions: Definitions, rule_ids: Iterable[str]) -> Definitions:
    """Only these rules and patterns, and those that inhibit them; the quality gate stays."""
    chosen = set(rule_ids)
    policies = (policy for policy in definitions.policies if policy.rule_id in chosen)
    wanted = chosen.union(*(policy.inhibited_by for policy in policies))
    return replace(
        definitions,
        rules=tuple(rule for rule in definitions.rules if rule.rule_id in wanted),
        patterns=tuple(p for p in definitions.patterns if p.policy.rule_id in wanted),
    )


class _Ledger:
    """The firings so far, by what tells alerts apart."""

    def __init__(self) -> None:
        self._firings: dict[str, Firing] = {}
        self._spans: dict[str, Span] = {}

    def see(self, reading: Reading) -> None:
        at = reading.timestamp
        span = self._spans.get(reading.city)
        first, count = (span.first, span.readings) if span else (at, 0)
        self._spans[reading.city] = Span(first, at, count + 1)

    def note(self, events: Iterable[AlertEvent]) -> None:
        for event in events:
            if event.event is Event.FIRED:
                self._firings[event.alert_id] = _firing(event)
            elif event.alert_id in self._firings:
                self._firings[event.alert_id] = _moved_on(self._firings[event.alert_id], event)

    def close(self, book: AlertBook) -> Backtest:
        """Alerts that still fire have their peak in the book alone."""
        lives = book.memory().lives
        firings = []
        for firing in self._firings.values():
            life = lives.get((firing.rule_id, firing.city)) if firing.ended_at is None else None
            firings.append(
                replace(firing, peak=life.peak, peak_at=life.peak_at) if life else firing
            )
        firings.sort(key=lambda one: (one.fired_at, one.city, one.rule_id))
        return Backtest(tuple(firings), self._spans)


def _firing(event: AlertEvent) -> Firing:
    return Firing(
        event.rule_id,
        event.city,
        event.severity,
        event.started_at,
        event.observed_at,
        None,
        event.peak,
        event.peak_at,
    )


def _moved_on(firing: Firing, event: AlertEvent) -> Firing:
    ended = event.observed_at if event.event.final else None
    worse = event.event is Event.ESCALATED
    return replace(
        firing,
        severity=max(firing.severity, event.severity, key=lambda severity: severity.rank),
        ended_at=ended,
        peak=event.peak,
        peak_at=event.peak_at,
        escalated_at=(*firing.escalated_at, event.observed_at) if worse else firing.escalated_at,
    )


def _as_if_live(reading: Reading) -> Reading:
    """The book does not judge readings of an archive, which all of a history may be."""
    if reading.source == ARCHIVE_SOURCE:
        return reading._replace(source=DEFAULT_SOURCE)
    return reading


def _silence_reach(definitions: Definitions) -> timedelta | None:
    """How long after the last reading silence can still change something; None: never."""
    listening = [rule for rule in definitions.rules if rule.silent_for is not None]
    if not listening:
        return None
    return max((r.silent_for or _TICK) + r.policy.hold for r in listening) + _TICK


def _moments_between(now: datetime, following: datetime, reach: timedelta) -> Iterator[datetime]:
    """The minutes between two readings in which the clock may set something off."""
    end = min(following, now + reach + _TICK)
    moment = now + _TICK
    while moment < end:
        yield moment
        moment += _TICK
