"""What `alerts.toml` may say, and how its mistakes are told."""

from pathlib import Path

import pytest

from citywx.weather.alerting.definitions import load_definitions, parse_definitions
from citywx.weather.alerting.policy import Severity
from citywx.weather.alerting.rules import Rule
from citywx.weather.alerting.table_reader import RuleError

SHIPPED = Path(__file__).parents[2] / "alerts.toml"

GOOD = {
    "id": '"heat"',
    "metric": '"temperature_c"',
    "at_least": "35",
    "clear": "33",
    "severity": '"warning"',
    "message": '"Heat"',
}


def toml(**changes: str | None) -> str:
    values = GOOD | changes
    return "[[rule]]\n" + "\n".join(f"{k} = {v}" for k, v in values.items() if v is not None)


def rule(**changes: str | None) -> Rule:
    return parse_definitions(toml(**changes)).rules[0]


def test_the_shipped_rules_are_valid_and_hold_the_23_degree_rule() -> None:
    rules = {rule.rule_id: rule for rule in load_definitions(SHIPPED).rules}
    paper = rules["above-23"]
    level = paper.levels[0]
    assert (paper.metric_name, level.limit, level.clear) == ("temperature_c", 23.0, 23.0)
    assert paper.policy.severities == (Severity.INFO,)
    assert not paper.policy.notify
    assert {"heat", "frost", "extreme-cold", "wind", "silence"} <= rules.keys()


def test_a_rule_watches_every_city_or_those_that_its_patterns_name() -> None:
    assert rule().policy.watches("Oslo")
    assert rule(cities='["Oslo"]').policy.watches("Oslo")
    assert not rule(cities='["Oslo"]').policy.watches("Bergen")
    assert rule(cities='["Bergen", "Lon*"]').policy.watches("London")


@pytest.mark.parametrize(
    ("comparison", "clear", "fires", "silent"),
    [
        ("above", 30.0, 35.1, 35.0),
        ("at_least", 30.0, 35.0, 34.9),
        ("below", 40.0, 34.9, 35.0),
        ("at_most", 40.0, 35.0, 35.1),
    ],
)
def test_each_comparison_fires_at_its_limit_and_clears_at_its_level(
    comparison: str, clear: float, fires: float, silent: float
) -> None:
    made = rule(**{"at_least": None, "clear": str(clear), comparison: "35"})
    between = (clear + 35) / 2
    assert [made.level(0, value) for value in (fires, silent, between)] == [1, 0, 0]
    beyond = clear - 0.1 if clear < 35 else clear + 0.1
    assert [made.level(1, value) for value in (fires, between, clear, beyond)] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": '"Heat!"'}, "rule number 1: id must be"),
        ({"id": None}, "rule number 1: id must be a text"),
        ({"metric": '"rain"'}, "rule 'heat': metric must be one of temperature_c"),
        ({"at_least": '"hot"'}, "rule 'heat': at_least must be a number"),
        ({"at_least": "nan"}, "rule 'heat': at_least must be a number"),
        ({"at_least": "true"}, "rule 'heat': at_least must be a number"),
        ({"at_least": None}, "exactly one of them must be given"),
        ({"above": "30"}, "exactly one of them must be given"),
        ({"clear": "36"}, "rule 'heat': clear must not be above the limit"),
        ({"at_least": None, "below": "5", "clear": "4"}, "clear must not be below the limit"),
        ({"severity": '"loud"'}, "rule 'heat': severity must be one of info, warning, severe"),
        ({"message": '"a\\nb"'}, "rule 'heat': message must be a text on one line"),
        ({"cities": '"Oslo"'}, "rule 'heat': cities must be a list of texts"),
        ({"for": '"2 hours"'}, "rule 'heat': for must be a time such as"),
        ({"keep_firing_for": "5"}, "rule 'heat': keep_firing_for must be a time such as"),
        ({"for": '"61d"'}, "rule 'heat': for must be at most 60 days"),
        ({"active": '"8-20"'}, "rule 'heat': active must be local hours"),
        ({"active": '"08:00-08:00"'}, "rule 'heat': active must not begin when it ends"),
        ({"no_data": '"alert"'}, "rule 'heat': no_data needs silent_for"),
        ({"no_data": '"panic"', "silent_for": '"1h"'}, "no_data must be one of keep, ok, alert"),
        ({"inhibited_by": '["storm"]'}, "inhibited_by names 'storm', not another rule"),
        ({"inhibited_by": '["heat"]'}, "inhibited_by names 'heat', not another rule"),
        ({"message": '"{rain} mm"'}, "rule 'heat': message may have {.} only for"),
        ({"message": '"{value.real}"'}, "rule 'heat': message may have {.} only for"),
        ({"message": '"{"'}, "rule 'heat': message may have"),
        ({"metric": None, "silent_for": '"1h"'}, "rule 'heat': clear needs a metric"),
        ({"metric": '"pressure_tendency_3h"', "change_over": '"1h"'}, "change_over is 3 hours"),
        ({"notify": "1"}, "rule 'heat': notify must be true or false"),
        ({"treshold": "3"}, "rule 'heat': treshold is no key of a rule"),
    ],
)
def test_a_mistake_names_the_rule_and_the_key(changes: dict[str, str | None], told: str) -> None:
    with pytest.raises(RuleError, match=told.replace("'", ".")):
        parse_definitions(toml(**changes))


def test_two_rules_with_one_id_are_refused() -> None:
    with pytest.raises(RuleError, match="id stands twice"):
        parse_definitions(toml() + "\n" + toml())


@pytest.mark.parametrize("text", ["[[rule]", "rule = 3", "[rules]\n", "rule = [1]"])
def test_text_that_is_no_list_of_rules_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        parse_definitions(text)


def test_a_missing_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"nowhere\.toml: cannot be read"):
        load_definitions(tmp_path / "nowhere.toml")


LADDER = """
[[rule]]
id = "heat"
metric = "temperature_c"
message = "Heat"
[[rule.level]]
severity = "{first}"
at_least = {limit}
clear = 33
[[rule.level]]
severity = "severe"
at_least = 40
clear = 38
"""


@pytest.mark.parametrize("comparison", ["above", "at_least", "below", "at_most"])
def test_without_a_clear_level_the_limit_alone_counts(comparison: str) -> None:
    made = rule(**{"at_least": None, "clear": None, comparison: "35"})
    for value in (34.9, 35.0, 35.1):
        assert made.level(1, value) == made.level(0, value)


def test_a_ladder_holds_its_levels_from_the_mildest_to_the_worst() -> None:
    made = parse_definitions(LADDER.format(first="warning", limit=35)).rules[0]
    assert made.policy.severities == (Severity.WARNING, Severity.SEVERE)
    assert [made.level(0, value) for value in (34, 35, 41)] == [0, 1, 2]
    assert [made.level(2, value) for value in (39, 37, 32)] == [2, 1, 0]


@pytest.mark.parametrize(
    ("first", "limit", "told"),
    [
        ("severe", 35, "level must have a higher severity than the one before it"),
        ("warning", 40, "level must go from the mildest to the worst"),
    ],
)
def test_a_ladder_that_does_not_rise_is_refused(first: str, limit: int, told: str) -> None:
    with pytest.raises(RuleError, match=told):
        parse_definitions(LADDER.format(first=first, limit=limit))


def test_a_ladder_has_its_limits_in_its_levels_alone() -> None:
    text = LADDER.format(first="warning", limit=35).replace("message", "above = 3\nmessage")
    with pytest.raises(RuleError, match="above stands in the levels"):
        parse_definitions(text)


def test_a_mistake_names_the_line() -> None:
    text = "# rules\n\n" + toml() + "\n\n" + toml(id='"cold"', clear='"x"')
    line = text.splitlines().index('clear = "x"') + 1
    with pytest.raises(RuleError, match=f"line {line}: rule 'cold': clear must be a number"):
        parse_definitions(text)
