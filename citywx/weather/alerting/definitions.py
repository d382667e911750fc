"""All of `alerts.toml`: what is watched for, checked as a whole."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from citywx.weather.alerting.events import Subject
from citywx.weather.alerting.metrics import METRICS
from citywx.weather.alerting.patterns.definitions import read_patterns
from citywx.weather.alerting.policy import LIFE_KEYS, NO_TIME, Kind, Policy, read_policy
from citywx.weather.alerting.quality_alerts import QualityAlerts, read_quality
from citywx.weather.alerting.rules import Rule, read_rule
from citywx.weather.alerting.table_reader import RuleError, TableReader, key_lines
from citywx.weather.alerting.watched import Watched
from citywx.weather.anomalies.options import AnomalyOptions, read_anomaly

_KEYS = {"rule", "pattern", "quality", "anomaly", "allowed_lateness"}


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Definitions:
    """What one rules file defines."""

    rules: tuple[Rule, ...] = ()
    patterns: tuple[Watched, ...] = ()
    quality: QualityAlerts | None = None
    """Where given, readings pass the quality gate before anything else sees them."""
    anomaly: AnomalyOptions | None = None
    """Where given, an anomaly score raises alerts too."""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Of all that can raise an alert."""
        return (
            *(rule.policy for rule in self.rules),
            *(pattern.policy for pattern in self.patterns),
            *(self.quality.policies if self.quality else ()),
            *((self.anomaly.policy,) if self.anomaly else ()),
        )


def load_definitions(path: Path) -> Definitions:
    """Read and check a rules file; RuleError says what is wrong where."""
    try:
        return parse_definitions(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise RuleError(message) from None
    except RuleError as error:
        message = f"{path}: {error}"
        raise RuleError(message) from None


def parse_definitions(text: str) -> Definitions:
    """The definitions in a TOML text."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"not TOML: {error}"
        raise RuleError(message) from None
    if unknown := sorted(document.keys() - _KEYS):
        message = f"unknown key {unknown[0]!r}: known are {', '.join(sorted(_KEYS))}"
        raise RuleError(message)
    lateness = TableReader(document, "the file").duration("allowed_lateness", default=NO_TIME)
    definitions = Definitions(
        rules=tuple(read_rule(reader, lateness) for reader in _tables(document, text, "rule")),
        patterns=_patterns(_tables(document, text, "pattern"), lateness),
        quality=_one(document, text, "quality", read_quality),
        anomaly=_one(document, text, "anomaly", read_anomaly),
    )
    _check_names(definitions)
    return definitions


def _tables(document: dict[str, Any], text: str, key: str) -> list[TableReader]:
    tables = document.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        message = f"every {key} is a [[{key}]] table"
        raise RuleError(message)
    lines = key_lines(text, key)
    if len(lines) != len(tables):  # written in another way, inline for instance
        lines = [{} for _ in tables]
    return [
        TableReader(table, f"{key} number {number}", lines[number - 1])
        for number, table in enumerate(tables, 1)
    ]


def _patterns(readers: list[TableReader], lateness: timedelta) -> tuple[Watched, ...]:
    watched = []
    for reader, pattern in zip(readers, read_patterns(readers, LIFE_KEYS), strict=True):
        policy = read_policy(reader, Kind.PATTERN, lateness=lateness)
        metric = pattern.definition.metric
        unit = METRICS[metric].unit if metric else ""
        watched.append(Watched(policy, Subject(metric or pattern.kind, unit), pattern.detector))
    return tuple(watched)


def _one(
    document: dict[str, Any], text: str, key: str, read: Callable[[TableReader], _T | None]
) -> _T | None:
    table = document.get(key)
    if table is None:
        return None
    if not isinstance(table, dict):
        message = f"{key} is a [{key}] table"
        raise RuleError(message)
    lines = key_lines(text, key)
    return read(TableReader(table, key, lines[0] if lines else None))


def _check_names(definitions: Definitions) -> None:
    seen: set[str] = set()
    for policy in definitions.policies:
        if policy.rule_id in seen:
            message = f"rule {policy.rule_id!r}: id stands twice"
            raise RuleError(message)
        seen.add(policy.rule_id)
    for policy in definitions.policies:
        for name in policy.inhibited_by:
            if name not in seen or name == policy.rule_id:
                message = f"rule {policy.rule_id!r}: inhibited_by names {name!r}, not another rule"
                raise RuleError(message)
