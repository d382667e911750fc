"""The pages Alerts and Try a rule, run as Streamlit runs them, over real databases."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, text
from streamlit.testing.v1 import AppTest

from citywx.weather.alerting.definitions import parse_definitions
from dashboard import one_alert
from tests.support.dashboard import ROOT, OpenPage
from tests.support.judged_alerts import judge_readings
from tests.support.weather_rows import CITIES, HOSTILE, Filled, add_readings

pytestmark = pytest.mark.integration

RULES = """
[[rule]]
id = "warm"
metric = "temperature_c"
above = 23
clear = 22
severity = "warning"
message = "Warm"

[[rule]]
id = "mild"
metric = "temperature_c"
above = -50
for = "30d"
severity = "info"
message = "Mild"

[[rule]]
id = "falling"
metric = "pressure"
change_over = "3h"
at_most = -0.1
severity = "info"
message = "Falling pressure"
"""


@pytest.fixture
def page(  # noqa: PLR0917 - fixtures
    open_page: OpenPage,
    filled: Filled,
    engine: Engine,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[str], AppTest]:
    """A page over weather that RULES have judged, with RULES as the rules file."""
    assert filled.cities
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE alerts, alert_events"))
    judge_readings(engine, RULES)
    monkeypatch.setenv("DATABASE_URL", database_url)
    (tmp_path / "alerts.toml").write_text(RULES)
    return open_page


def past(app: AppTest) -> pd.DataFrame:
    """The table of the history."""
    return next(table.value for table in app.dataframe if "Lasted" in table.value)


def said(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def choose_firing(app: AppTest, city: str = "Cairo") -> AppTest:
    label = next(one for one in app.selectbox[0].options if f"in {city}" in one and "firing" in one)
    return app.selectbox[0].select_index(app.selectbox[0].options.index(label)).run()


def field(app: AppTest, label: str, number: int = 0) -> object:
    return [one for one in app.text_input if one.label == label][number]


def press(app: AppTest, label: str, number: int = 0) -> AppTest:
    return [one for one in app.button if one.label == label][number].click().run()


def rows(engine: Engine, table: str) -> list[dict[str, object]]:
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - our own name
        return [dict(row) for row in found.mappings()]


def test_what_fires_and_what_is_pending_stand_apart(page: OpenPage) -> None:
    app = page("alerts")
    assert not app.exception
    firing, pending = (app.dataframe[number].value for number in range(2))
    assert set(firing["What"].str.split().str[0]) <= {"Warm", "Falling"}
    assert set(pending["What"].str.split().str[0]) == {"Mild"}
    assert "Pending" in said(app)


def test_an_alert_with_people_to_tell_says_nothing_about_notices(
    page: OpenPage, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alerts SET notify = city <> 'Cairo'"))
    firing = page("alerts").dataframe[0].value.set_index("City")["Notices"]
    assert set(firing["Cairo":"Cairo"]) == {"tells nobody"}


def test_without_alerts_the_page_says_so(page: OpenPage, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE alerts, alert_events"))
    app = page("alerts")
    assert not app.exception
    assert "No alert is firing." in said(app)
    assert "No alert matches." in said(app)


@pytest.mark.parametrize(
    ("number", "option", "column", "shown"),
    [
        (0, "London", "City", "London"),
        (1, "warning", "Severity", "warning"),
        (2, "falling", "Rule", "falling"),
        (3, "resolved", "State", "over"),
    ],
)
def test_the_history_is_filtered(
    page: OpenPage, number: int, option: str, column: str, shown: str
) -> None:
    app = page("alerts")
    assert len(set(past(app)[column])) > 1
    app.multiselect[number].select(option)
    assert set(past(app.run())[column]) == {shown}


def test_the_history_is_of_the_chosen_time(page: OpenPage) -> None:
    app = page("alerts")
    week = len(past(app))
    app.get("button_group")[0].set_value("24 hours").run()
    assert 0 < len(past(app)) < week


def test_one_alert_is_drawn_with_its_facts(page: OpenPage) -> None:
    app = choose_firing(page("alerts"))
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 1
    told = {metric.label: metric.value for metric in app.metric}
    assert told["State"] == "firing"
    assert set(told) == {"Severity", "State", "Lasted", "Peak"}


def test_an_address_may_ask_for_an_alert(page: OpenPage, engine: Engine) -> None:
    with engine.connect() as connection:
        oldest = connection.execute(
            text("SELECT alert_id, city FROM alerts ORDER BY started_at, alert_id LIMIT 1")
        ).one()
    app = page("alerts")
    app.query_params["alert"] = oldest.alert_id
    app.run()
    assert app.selectbox[0].value == oldest.alert_id
    app.query_params["alert"] = "no-such-alert"
    assert not app.run().exception


def test_an_alert_whose_readings_are_gone_says_so(page: OpenPage, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE alerts SET started_at = started_at - interval '9 years'"
                ", resolved_at = started_at - interval '9 years' WHERE state = 'resolved'"
            )
        )
        gone = connection.scalars(
            text("SELECT alert_id FROM alerts WHERE state = 'resolved' LIMIT 1")
        ).one()
    app = page("alerts")
    app.query_params["alert"] = gone
    app.run()
    assert not app.exception
    assert one_alert.GONE in said(app)


def test_somebody_takes_care_of_an_alert(page: OpenPage, engine: Engine) -> None:
    app = choose_firing(page("alerts"))
    field(app, "Your name").input("Ada")
    field(app, "What is done about it").input("shade *is* up")
    press(app, "Acknowledge")
    assert not app.exception
    (row,) = rows(engine, "acknowledgements")
    assert (row["author"], row["note"]) == ("Ada", "shade *is* up")
    assert "Ada takes care since" in said(app)
    assert r"shade \*is\* up" in said(app)
    assert "Ada takes care" in set(app.dataframe[0].value["Notices"])
    assert not [one for one in app.button if one.label == "Acknowledge"]


def test_taking_care_needs_a_name(page: OpenPage, engine: Engine) -> None:
    app = press(choose_firing(page("alerts")), "Acknowledge")
    assert "needs an author" in said(app)
    assert rows(engine, "acknowledgements") == []


def test_an_alert_is_silenced_and_the_silence_ended(page: OpenPage, engine: Engine) -> None:
    app = choose_firing(page("alerts"))
    field(app, "Your name", 1).input("Ada")
    field(app, "Why").input("sensor in the sun")
    press(app, "Silence")
    assert not app.exception
    (row,) = rows(engine, "silences")
    assert (row["city"], row["severity"], row["author"]) == ("Cairo", None, "Ada")
    assert "silenced by Ada" in set(app.dataframe[0].value["Notices"])
    assert "sensor in the sun" in said(app)
    press(app, "End")
    assert "Nothing is silenced." in said(app)
    assert "silenced by Ada" not in set(app.dataframe[0].value["Notices"])


def test_a_silence_needs_a_name_and_a_reason(page: OpenPage, engine: Engine) -> None:
    app = press(page("alerts"), "Silence", -1)
    assert "needs an author and a reason" in said(app)
    assert rows(engine, "silences") == []


def test_the_rules_say_where_they_fire(page: OpenPage) -> None:
    app = page("alerts")
    table = app.dataframe[-1].value.set_index("Rule")
    assert list(table.index) == ["warm", "mild", "falling"]
    assert table.loc["warm", "Watches for"] == "Temperature above 23 °C"
    assert table.loc["mild", "Pending"] > 0
    assert table.loc["warm", "People are told"] == "yes"


def test_a_rules_file_that_cannot_be_used_is_named(page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "alerts.toml").write_text("[[rule]]\n")
    app = page("alerts")
    assert "The rules file cannot be used" in said(app)


def test_a_rule_is_tried_on_the_history(page: OpenPage) -> None:
    app = page("try_a_rule")
    assert not app.exception
    told = {metric.label: metric.value for metric in app.metric}
    assert int(told["Alerts"]) > 0
    assert len(app.get("vega_lite_chart")) == 1
    assert len(app.dataframe[0].value) == int(told["Alerts"])
    assert parse_definitions(app.code[0].value).rules[0].metric_name == "temperature_c"


def test_the_controls_make_the_rule(page: OpenPage) -> None:
    app = page("try_a_rule")
    app.selectbox[0].select_index(1)
    app.selectbox[1].select("pressure")
    app.selectbox[2].select("its change over 3 h")
    app.selectbox[3].select("at_most")
    app.run()
    app.number_input[0].set_value(-0.5)
    app.number_input[1].set_value(0.5)
    app.selectbox[4].select("1 h")
    app.selectbox[5].select("severe")
    app.checkbox[0].check()
    app.run()
    assert not app.exception
    (rule,) = parse_definitions(app.code[0].value).rules
    assert rule.words == "pressure change over 3:00:00 at most -0.5 hPa for 1:00:00"
    assert (rule.levels[0].clear, rule.policy.severities[0].value) == (0, "severe")
    assert rule.policy.cities == (app.selectbox[0].value.name,)


def test_a_limit_that_is_never_passed_says_so(page: OpenPage) -> None:
    app = page("try_a_rule")
    app.number_input[0].set_value(90.0).run()
    assert "It would never have fired in this time." in said(app)
    assert len(app.get("vega_lite_chart")) == 1


def test_a_limit_for_a_wanted_rate_is_proposed_and_taken(page: OpenPage) -> None:
    app = page("try_a_rule")
    app.number_input[-1].set_value(4.0).run()
    assert "times a month" in said(app)
    before = app.number_input[0].value
    press(app, "Take this limit")
    assert app.number_input[0].value != before
    assert f"above = {app.number_input[0].value:g}" in app.code[0].value


def test_a_hostile_city_name_is_no_markup_here(page: OpenPage) -> None:
    for name in ("alerts", "try_a_rule"):
        app = page(name)
        labels = [box.label for box in app.checkbox]
        assert HOSTILE.name not in said(app) + "".join(labels)


def test_a_city_whose_readings_are_not_cleaned_yet_says_so(
    open_page: OpenPage, engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_readings(engine, CITIES[0], 3)
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert "cleaned yet" in said(open_page("try_a_rule"))


def test_a_quantity_that_nobody_reported_is_said_to_be_missing(
    page: OpenPage, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE weather_readings SET wind_speed = NULL"))
    app = page("try_a_rule")
    app.selectbox[1].select("wind_speed").run()
    assert not app.exception
    assert "reported nothing of this kind" in said(app)


def test_the_shipped_rules_can_be_shown(page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "alerts.toml").write_text((ROOT / "alerts.toml").read_text())
    app = page("alerts")
    assert not app.exception
    assert "above-23" in list(app.dataframe[-1].value["Rule"])
