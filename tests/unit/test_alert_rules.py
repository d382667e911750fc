"""What `alerts.toml` may say, and how its mistakes are told."""

from pathlib import Path

import pytest

from citywx.weather.alerting.rules import Rule, RuleError, Severity, load_rules, parse_rules

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
    return parse_rules(toml(**changes))[0]


def test_the_shipped_rules_are_valid_and_hold_the_23_degree_rule() -> None:
    rules = {rule.rule_id: rule for rule in load_rules(SHIPPED)}
    paper = rules["above-23"]
    assert (paper.metric, paper.limit, paper.clear) == ("temperature_c", 23.0, 23.0)
    assert paper.severity is Severity.INFO
    assert not paper.notify
    assert {"heat", "severe-heat", "frost", "severe-cold", "gale", "storm"} <= rules.keys()


def test_a_rule_without_cities_watches_every_city() -> None:
    assert rule().applies_to("Oslo")
    assert rule(cities='["Oslo"]').applies_to("Oslo")
    assert not rule(cities='["Oslo"]').applies_to("Bergen")


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
    assert made.fires_at(fires)
    assert not made.fires_at(silent)
    assert made.clears_at(clear)
    assert not made.clears_at((clear + 35) / 2)


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
        ({"clear": None}, "rule 'heat': clear is needed with at_least"),
        ({"at_least": None, "below": "5", "clear": "4"}, "clear must not be below the limit"),
        ({"severity": '"loud"'}, "rule 'heat': severity must be one of info, warning, severe"),
        ({"message": '"a\\nb"'}, "rule 'heat': message must be a text on one line"),
        ({"cities": '"Oslo"'}, "rule 'heat': cities must be a list of city names"),
        ({"notify": "1"}, "rule 'heat': notify must be true or false"),
        ({"treshold": "3"}, "rule 'heat': treshold is no key of a rule"),
    ],
)
def test_a_mistake_names_the_rule_and_the_key(changes: dict[str, str | None], told: str) -> None:
    with pytest.raises(RuleError, match=told.replace("'", ".")):
        parse_rules(toml(**changes))


def test_two_rules_with_one_id_are_refused() -> None:
    with pytest.raises(RuleError, match="id stands twice"):
        parse_rules(toml() + "\n" + toml())


@pytest.mark.parametrize("text", ["[[rule]", "rule = 3", "[rules]\n", "rule = [1]"])
def test_text_that_is_no_list_of_rules_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        parse_rules(text)


def test_a_missing_file_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"nowhere\.toml: cannot be read"):
        load_rules(tmp_path / "nowhere.toml")
