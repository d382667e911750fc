"""What a file of alert rules defines, for people and for machines."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from citywx.weather.alerting.definitions import Definitions, load_definitions
from citywx.weather.alerting.policy import Policy
from citywx.weather.reading import MEASURES


class RuleFacts(TypedDict):
    """One rule or pattern."""

    id: str
    kind: str
    watches: str
    severities: list[str]
    message: str
    notify: bool


def check_rules(path: Path) -> list[RuleFacts]:
    """What the file defines, in its order; RuleError says what is wrong with it."""
    return [
        {
            "id": policy.rule_id,
            "kind": policy.kind.value,
            "watches": words,
            "severities": [severity.value for severity in policy.severities],
            "message": policy.message,
            "notify": policy.notify,
        }
        for policy, words in in_words(load_definitions(path))
    ]


def in_words(definitions: Definitions) -> list[tuple[Policy, str]]:
    """What each rule, pattern and quality alert watches for, in their order."""
    return [
        *((rule.policy, rule.words) for rule in definitions.rules),
        *((pattern.policy, pattern.subject.metric) for pattern in definitions.patterns),
        *_quality_in_words(definitions),
    ]


def _quality_in_words(definitions: Definitions) -> list[tuple[Policy, str]]:
    if definitions.quality is None:
        return []
    names = (measure.removesuffix("_c").replace("_", " ") for measure in MEASURES)
    return [
        (policy, f"{name} fails quality control")
        for policy, name in zip(definitions.quality.policies, names, strict=True)
    ]


def rules_text(rules: Sequence[RuleFacts]) -> str:
    """A line a rule, for people."""
    width = max((len(rule["id"]) for rule in rules), default=0)
    lines = [
        f"{rule['id']:<{width}}  {'/'.join(rule['severities'])}: {rule['watches']}"
        + ("" if rule["notify"] else "  (tells nobody)")
        for rule in rules
    ]
    return "\n".join([*lines, f"{len(rules)} rules and patterns, nothing wrong"])
