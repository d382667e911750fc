"""What `[[pattern]]` tables may say, and how their mistakes are told."""

import re
from pathlib import Path

import pytest

from citywx.weather.alerting.patterns.definitions import KINDS
from citywx.weather.alerting.table_reader import RuleError
from tests.support.patterns import patterns

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "patterns.md"
WARM = '{ metric = "temperature_c", above = 30 }'
TABLES = {
    "rise": {"metric": '"pressure"', "by": "2", "within": '"1h"'},
    "fall": {"metric": '"temperature_c"', "by": "4", "within": '"1h"'},
    "sequence": {"first": WARM, "then": '{ metric = "wind_speed", rise = 5 }', "within": '"2h"'},
    "all_of": {"conditions": f'[{WARM}, {{ pattern = "other" }}]', "within": '"2h"'},
    "count": {"condition": WARM, "times": "3", "within": '"30m"'},
    "stuck": {"metric": '"humidity"', "unchanged_for": '"9h"'},
    "diverge": {
        "metric": '"temperature_c"',
        "against": '"humidity"',
        "by": "4",
        "within": '"3h"',
    },
    "spread": {"condition": WARM, "reached": "3", "within": '"1d"'},
    "peer": {"metric": '"temperature_c"', "by": "8", "within": '"1h"', "within_km": "60"},
}
OTHER = """
[[pattern]]
id = "other"
kind = "fall"
metric = "temperature_c"
by = 3
within = "1h"
"""


def toml(kind: str, **changes: str | None) -> str:
    values = {"id": '"it"', "kind": f'"{kind}"', **TABLES.get(kind, {}), **changes}
    lines = [f"{key} = {value}" for key, value in values.items() if value is not None]
    return "\n".join(["[[pattern]]", *lines, OTHER])


def test_every_kind_has_a_table_here() -> None:
    assert tuple(TABLES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_read_from_its_table(kind: str) -> None:
    pattern = patterns(toml(kind, severity='"info"', message='"It"', cities='["Oslo"]'))[0]
    assert (pattern.pattern_id, pattern.kind) == ("it", kind)
    assert pattern.definition.crosses_cities == (kind in ("spread", "peer"))


@pytest.mark.parametrize(
    ("kind", "metric"), [("fall", "temperature_c"), ("sequence", "wind_speed"), ("count", None)]
)
def test_a_pattern_knows_the_metric_of_its_value(kind: str, metric: str | None) -> None:
    assert patterns(toml(kind))[0].definition.metric == metric


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        ("swell", {}, "line 3: pattern 'it': kind must be one of rise, fall, sequence, all_of"),
        ("fall", {"id": '"It!"'}, "line 2: pattern number 1: id must be lower-case letters"),
        ("fall", {"metric": '"rain"'}, "line 4: pattern 'it': metric must be one of temperature_c"),
        ("fall", {"by": "0"}, "pattern 'it': by must be above 0"),
        ("fall", {"within": '"0m"'}, "pattern 'it': within must be above 0"),
        ("fall", {"within": None}, "line 1: pattern 'it': within must be a time such as"),
        ("fall", {"clear": "4"}, "pattern 'it': clear must be below by"),
        ("fall", {"tolerance": "1"}, "pattern 'it': tolerance is no key of a pattern of kind fall"),
        ("count", {"times": "1"}, "pattern 'it': times must be a whole number of at least 2"),
        ("count", {"clear": "3"}, "pattern 'it': clear must be below times"),
        ("count", {"condition": '"hot"'}, "pattern 'it': condition must be a condition such as"),
        ("count", {"condition": "{ above = 3 }"}, "pattern 'it': condition: metric must be one of"),
        (
            "count",
            {"condition": '{ metric = "humidity", above = 3, fall = 3 }'},
            "line 4: pattern 'it': condition: above / at_least / below / at_most / rise / fall",
        ),
        (
            "count",
            {"condition": '{ metric = "humidity", above = 3, clear = 3 }'},
            "pattern 'it': condition: clear must be below the limit",
        ),
        (
            "count",
            {"condition": '{ metric = "humidity", below = 3, clear = 3 }'},
            "pattern 'it': condition: clear must be above the limit",
        ),
        (
            "count",
            {"condition": '{ metric = "humidity", fall = 3, clear = 3 }'},
            "pattern 'it': condition: clear must be below fall",
        ),
        (
            "count",
            {"condition": '{ metric = "humidity", above = 3, within = "1h" }'},
            "pattern 'it': condition: within is no key of a condition on a limit",
        ),
        ("all_of", {"conditions": f"[{WARM}]"}, "pattern 'it': conditions must be at least two"),
        ("all_of", {"conditions": WARM}, "pattern 'it': conditions must be a list of conditions"),
        (
            "all_of",
            {"conditions": f'[{WARM}, {{ pattern = "none" }}]'},
            "line 4: pattern 'it': conditions 2: pattern names none: 'none'",
        ),
        (
            "all_of",
            {"conditions": f'[{WARM}, {{ pattern = "it" }}]'},
            "pattern 'it': conditions 2: pattern leads back to itself: 'it'",
        ),
        (
            "all_of",
            {"conditions": f'[{WARM}, {{ pattern = "other", above = 3 }}]'},
            "pattern 'it': conditions 2: above is no key of a condition on a pattern",
        ),
        ("stuck", {"tolerance": "-1"}, "pattern 'it': tolerance must not be below 0"),
        ("diverge", {"with": '"humidity"'}, "against / with exactly one of them must be given"),
        ("diverge", {"against": '"temperature_c"'}, "against must be another metric"),
        ("spread", {"order": '["A", "B"]'}, "order must be at least 3 different cities"),
        ("spread", {"order": '["A", "B", "A"]'}, "order must be at least 3 different cities"),
        ("peer", {"within_km": None}, "peers / within_km exactly one of them must be given"),
        (
            "peer",
            {"within_km": None, "peers": '["A", "B", "C"]'},
            "peers must be at least 4 different cities",
        ),
    ],
)
def test_a_mistake_names_line_pattern_and_key(
    kind: str, changes: dict[str, str | None], told: str
) -> None:
    with pytest.raises(RuleError) as raised:
        patterns(toml(kind, **changes))
    assert told in str(raised.value)


def test_an_id_stands_once() -> None:
    with pytest.raises(RuleError, match="id 'other' stands twice"):
        patterns(OTHER + OTHER)


def test_a_pattern_across_cities_is_no_condition_of_one() -> None:
    spread = toml("spread").replace('"it"', '"front"').replace(OTHER, "")
    condition = f'[{WARM}, {{ pattern = "front" }}]'
    with pytest.raises(RuleError, match="pattern must be of one city; 'front' is of several"):
        patterns(spread + "\n" + toml("all_of", conditions=condition))


def test_the_examples_in_the_documentation_are_patterns_of_every_kind() -> None:
    text = DOCUMENTATION.read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    shown = {one.kind for example in examples for one in patterns(example)}
    assert shown | {"rise"} == set(KINDS)
    for kind in KINDS:
        assert f"`{kind}`" in text
