"""What the alert book remembers, as plain values for JSON and back."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from citywx.weather.alerting.desk import Desk
from citywx.weather.alerting.events import Subject
from citywx.weather.alerting.life import Life
from citywx.weather.alerting.policy import Kind, Policy, Severity
from citywx.weather.alerting.watches import MetricWatch
from citywx.weather.reading import Reading, format_timestamp, parse_timestamp


@dataclass(frozen=True, slots=True)
class PolicyMemory:
    """What must be known of a rule to end its alerts when it is gone."""

    rule_id: str
    kind: Kind
    severities: tuple[Severity, ...]
    message: str
    notify: bool
    subject: Subject

    def policy(self) -> Policy:
        """Enough of the policy to end an alert."""
        return Policy(self.rule_id, self.kind, self.severities, self.message, notify=self.notify)


@dataclass(frozen=True, slots=True)
class CityMemory:
    """One city's readings on their way, and what its rules remember of those before."""

    observed_at: datetime | None
    rank: int
    best_at: datetime | None
    waiting: list[Reading] = field(default_factory=list)
    heard: Mapping[str, datetime] = field(default_factory=dict)
    """By metric, where somebody listens for silence."""
    changes: Mapping[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By metric, the past values that are still needed."""

    @classmethod
    def of(cls, desk: Desk, watches: Iterable[MetricWatch]) -> Self:
        """The memory of a city."""
        watches = list(watches)
        return cls(
            *desk.dump(),
            desk.waiting,
            {w.key: w.heard_at for w in watches if w.heard_at is not None},
            {w.key: w.change.points for w in watches if w.change is not None and w.change.points},
        )

    def resume(self, desk: Desk, watches: Iterable[MetricWatch]) -> None:
        """Put it back."""
        desk.resume(self.observed_at, self.rank, self.best_at)
        for reading in self.waiting:
            desk.accept(reading)
        for watch in watches:
            watch.heard_at = self.heard.get(watch.key)
            if watch.change is not None:
                watch.change.resume(self.changes.get(watch.key, ()))


@dataclass(slots=True)
class Memory:
    """All that the book must know to go on."""

    cities: dict[tuple[timedelta, str], CityMemory] = field(default_factory=dict)
    """By allowed lateness and city."""
    lives: dict[tuple[str, str], Life] = field(default_factory=dict)
    """By rule and city."""
    policies: dict[str, PolicyMemory] = field(default_factory=dict)
    detectors: dict[str, object] = field(default_factory=dict)
    gates: dict[timedelta, object] = field(default_factory=dict)
    """Of quality control, by allowed lateness."""

    def keep_policy(self, policy: Policy, subject: Subject) -> None:
        """Remember how the alerts of a rule end."""
        self.policies[policy.rule_id] = PolicyMemory(
            policy.rule_id, policy.kind, policy.severities, policy.message, policy.notify, subject
        )

    def dump(self) -> dict[str, object]:
        """As plain values."""
        return {
            "cities": [
                [lateness.total_seconds(), city, *_dump_city(known)]
                for (lateness, city), known in self.cities.items()
            ],
            "lives": [[*key, *_dump_life(life)] for key, life in self.lives.items()],
            "policies": [asdict(policy) for policy in self.policies.values()],
            "detectors": self.detectors,
            "gates": [[late.total_seconds(), gate] for late, gate in self.gates.items()],
        }

    @classmethod
    def load(cls, body: Mapping[str, Any]) -> Self:
        """Read back what `dump` gave; ValueError, TypeError or KeyError for anything else."""
        return cls(
            {
                (timedelta(seconds=lateness), str(city)): _load_city(*rest)
                for lateness, city, *rest in body["cities"]
            },
            {(str(rule), str(city)): _load_life(*rest) for rule, city, *rest in body["lives"]},
            {known["rule_id"]: _load_policy(known) for known in body["policies"]},
            dict(body["detectors"]),
            {timedelta(seconds=lateness): gate for lateness, gate in body["gates"]},
        )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_timestamp(moment)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_timestamp(text)


def _dump_city(known: CityMemory) -> list[object]:
    return [
        _time(known.observed_at),
        known.rank,
        _time(known.best_at),
        [[_time(r.timestamp), *r[1:8], _time(r.fetched_at)] for r in known.waiting],
        {key: _time(at) for key, at in known.heard.items()},
        dict(known.changes),
    ]


def _load_city(  # noqa: PLR0913, PLR0917 - one column each
    observed_at: str | None,
    rank: int,
    best_at: str | None,
    waiting: list[list[Any]],
    heard: dict[str, str],
    changes: dict[str, list[list[float]]],
) -> CityMemory:
    return CityMemory(
        _moment(observed_at),
        int(rank),
        _moment(best_at),
        [Reading._make([parse_timestamp(row[0]), *row[1:8], _moment(row[8])]) for row in waiting],
        {key: parse_timestamp(at) for key, at in heard.items()},
        {key: [(float(at), float(v)) for at, v in points] for key, points in changes.items()},
    )


def _dump_life(life: Life) -> list[object]:
    return [
        _time(life.started_at),
        _time(life.observed_at),
        life.level,
        [_time(since) for since in life.turning],
        life.value,
        life.limit,
        life.peak,
        _time(life.peak_at),
        life.readings,
        life.suspect,
    ]


def _load_life(  # noqa: PLR0913, PLR0917 - one column each
    started_at: str,
    observed_at: str,
    level: int,
    turning: list[str | None],
    value: float | None,
    limit: float | None,
    peak: float | None,
    peak_at: str,
    readings: int,
    suspect: bool,  # noqa: FBT001 - a column
) -> Life:
    return Life(
        parse_timestamp(started_at),
        parse_timestamp(observed_at),
        int(level),
        tuple(_moment(since) for since in turning),
        value,
        limit,
        peak,
        parse_timestamp(peak_at),
        int(readings),
        bool(suspect),
    )


def _load_policy(known: Mapping[str, Any]) -> PolicyMemory:
    return PolicyMemory(
        str(known["rule_id"]),
        Kind(known["kind"]),
        tuple(Severity(one) for one in known["severities"]),
        str(known["message"]),
        bool(known["notify"]),
        Subject(**known["subject"]),
    )
