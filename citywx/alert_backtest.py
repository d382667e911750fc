"""`citywx alerts backtest`: how often alert rules would have fired on the history.

Here it is put together; what is told of it stands in `alert_backtest_report`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from citywx.alert_histories import History, HistoryError, Wanted, open_history
from citywx.alert_rules import in_words
from citywx.settings import Settings
from citywx.weather.alerting.backtest import Span, restricted, run_backtest
from citywx.weather.alerting.definitions import Definitions, load_definitions
from citywx.weather.alerting.outcome import Outcome, outcome
from citywx.weather.alerting.policy import Policy
from citywx.weather.alerting.proposal import Proposal, propose
from citywx.weather.alerting.table_reader import RuleError
from citywx.weather.reading import Reading


@dataclass(frozen=True, slots=True)
class BacktestRequest:
    """What is asked for."""

    rules: tuple[str, ...] = ()
    """Ids; none: all."""
    file: Path | None = None
    """A rules file; None: that of ALERT_RULES."""
    data: Path | None = None
    """A file of readings; None: the database."""
    wanted: Wanted = field(default_factory=Wanted)
    rate: float | None = None
    """Alerts a city a month, for which a level is to be proposed."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What came of one rule or pattern."""

    policy: Policy
    words: str
    outcome: Outcome
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of all of them."""

    spans: dict[str, Span]
    """What was gone through, by city."""
    bad_lines: int
    rules: list[RuleResult]


def days(first: datetime | None, last: datetime | None, cities: list[str]) -> Wanted:
    """From the first to the last UTC day, both included, of cities by name or pattern."""
    wanted = Wanted(cities=tuple(cities))
    start = first.replace(tzinfo=UTC) if first else wanted.start
    end = last.replace(tzinfo=UTC) + timedelta(days=1) if last else wanted.end
    if end <= start:
        message = "--to must not be before --from"
        raise HistoryError(message)
    return Wanted(start, end, wanted.cities)


def backtest(settings: Settings, request: BacktestRequest) -> Report:
    """Do it; RuleError and HistoryError say what is wrong with the request."""
    definitions = load_definitions(request.file or settings.alert_rules)
    chosen = _chosen(definitions, request.rules)
    with open_history(settings, request.data, request.wanted) as history, _bar() as bar:
        work = _Work(restricted(definitions, chosen), history, bar)
        return work.report(chosen, request.rate)


def _chosen(definitions: Definitions, rules: tuple[str, ...]) -> set[str]:
    ids = [policy.rule_id for policy, _ in in_words(definitions)]
    if unknown := [name for name in rules if name not in ids]:
        message = f"no rule is called {unknown[0]!r}; there are {', '.join(ids)}"
        raise RuleError(message)
    return set(rules or ids)


@dataclass(frozen=True, slots=True)
class _Work:
    """Rules and a history that is gone through as often as need be."""

    definitions: Definitions
    history: History
    bar: Progress

    def report(self, chosen: set[str], rate: float | None) -> Report:
        readings = _Shown(self.history, self.bar, "judging the history")
        found = run_backtest(self.definitions, readings, self.history.known)
        results = [
            RuleResult(policy, words, outcome(policy, found), self._proposal(policy.rule_id, rate))
            for policy, words in in_words(self.definitions)
            if policy.rule_id in chosen
        ]
        return Report(dict(found.spans), self.history.bad_lines, results)

    def _proposal(self, rule_id: str, rate: float | None) -> Proposal | None:
        rule = next((one for one in self.definitions.rules if one.rule_id == rule_id), None)
        if rule is None or rate is None:
            return None
        readings = _Shown(self.history, self.bar, f"looking for a level of {rule_id}")
        return propose(rule, rate, readings, self.history.known, self.definitions.quality)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The readings of a history, as often as they are asked for, with a bar each time."""

    history: History
    bar: Progress
    what: str

    def __iter__(self) -> Iterator[Reading]:
        task = self.bar.add_task(self.what, total=len(self.history.parts))
        for part in self.history.parts:
            yield from part()
            self.bar.advance(task)
        self.bar.remove_task(task)


def _bar() -> Progress:
    """On standard error, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
