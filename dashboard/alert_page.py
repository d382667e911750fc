"""The parts of the page Alerts, beside the tables, the one alert and the forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from sqlalchemy import Connection

from citywx.alert_rules import in_words
from citywx.notices.silences import list_silences
from citywx.weather.alerting.definitions import Definitions, load_definitions
from citywx.weather.alerting.policy import Policy
from citywx.weather.alerting.table_reader import RuleError
from citywx.weather.city import City
from dashboard import (
    alert_data,
    alert_tables,
    alert_words,
    data,
    frame,
    one_alert,
    resources,
    tables,
    words,
)
from dashboard.alert_data import Alert, Chosen, Counts
from dashboard.alert_tables import Cities, Moment, StandingSilence

_TAKEN_UP = (
    "As the rules file is now. The alerter takes up changes on SIGHUP, or when it is started again."
)
_ASKED = "alert"
"""In the page's address: the id of an alert."""


@dataclass(frozen=True, slots=True)
class RulesFile:
    """What the rules file says now, or why it cannot be used."""

    definitions: Definitions
    problem: str | None = None

    def names(self, counts: Mapping[str, Counts]) -> list[str]:
        """Of the rules in it, and of those that have lately been."""
        return sorted({policy.rule_id for policy in self.definitions.policies} | counts.keys())

    def in_words(self) -> list[tuple[Policy, str]]:
        """What each rule and pattern watches for."""
        rules = {rule.rule_id: alert_words.watched(rule) for rule in self.definitions.rules}
        found = in_words(self.definitions)
        return [(policy, rules.get(policy.rule_id, what)) for policy, what in found]


def read_rules() -> RulesFile:
    """The file of ALERT_RULES."""
    try:
        return RulesFile(load_definitions(resources.settings().alert_rules))
    except RuleError as error:
        return RulesFile(Definitions(), str(error))


def standing_silences(connection: Connection) -> list[StandingSilence]:
    """The silences that have not ended."""
    found = list_silences(connection, resources.now(), ended=False)
    return [StandingSilence.of(row) for row in found]


def show_current(connection: Connection, cities: Cities) -> None:
    """What fires, and what may soon."""
    now, span = resources.now(), data.span(connection, list(cities))
    found = alert_data.current(connection)
    silences = standing_silences(connection)
    at = Moment(span.last if span else now, now)
    firing = [alert for alert in found if alert.firing]
    pending = [alert for alert in found if not alert.firing]
    st.subheader("Firing now", anchor=False)
    if firing:
        alert_tables.current(firing, cities, silences, at)
    else:
        st.success("No alert is firing.")
    if pending:
        st.subheader("Pending", anchor=False)
        st.caption("The condition holds, but not yet as long as the rule asks for.")
        alert_tables.current(pending, cities, silences, at)


def choose(span: data.Span, names: Sequence[str], rules: Sequence[str]) -> Chosen:
    """The filters of the history."""
    columns = st.columns(4)
    cities = columns[0].multiselect("Cities", names, placeholder="All cities")
    severities = columns[1].multiselect("Severity", tables.SEVERITIES, placeholder="All severities")
    chosen = columns[2].multiselect("Rules", rules, placeholder="All rules")
    states = columns[3].multiselect(
        "State",
        list(alert_words.STATES),
        format_func=alert_words.STATES.__getitem__,
        placeholder="All states",
    )
    start, end = frame.period(span, "UTC")
    # An alert about silence begins after the newest reading.
    return Chosen(cities, severities, chosen, states, start, None if end > span.last else end)


def choose_one(connection: Connection, past: Sequence[Alert], cities: Cities) -> Alert | None:
    """One alert to look at: the one asked for, or of those that fire, or of the history."""
    asked = st.query_params.get(_ASKED)
    found = alert_data.named(connection, asked) if asked else []
    alerts = {one.alert_id: one for one in (*found, *alert_data.current(connection), *past)}
    if not alerts:
        return None
    st.subheader("One alert", anchor=False)
    chosen = st.selectbox(
        "Alert",
        list(alerts),
        format_func=lambda name: one_alert.label(alerts[name], city_of(alerts[name], cities)),
    )
    return alerts[chosen]


def city_of(alert: Alert, cities: Cities) -> City:
    """The city of an alert; of one that is not known any more, the times are UTC."""
    return cities.get(alert.city, City(alert.city))


def show_rules(file: RulesFile, counts: Mapping[str, Counts]) -> None:
    """What is watched for, and where it holds."""
    if file.problem:
        st.warning(f"The rules file cannot be used: {words.escape(file.problem)}")
    else:
        st.caption(_TAKEN_UP)
        alert_tables.rules(file.in_words(), counts)
    st.page_link("app_pages/try_a_rule.py", label="Try a rule on the history")
