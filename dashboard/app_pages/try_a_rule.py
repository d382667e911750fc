"""Try a rule: how often would it have fired on the history, and what does it look like."""

import streamlit as st

from citywx.warehouse.alert_history import Period, history_span, read_history
from citywx.weather.alerting.outcome import outcome
from citywx.weather.alerting.proposal import values
from citywx.weather.alerting.table_reader import RuleError
from dashboard import alert_series, charts, data, frame, rule_form, rule_trial, words
from dashboard.resources import database

frame.title("try_a_rule")
with database() as connection:
    cities = frame.known_cities(connection)
    city = st.selectbox("City", cities, format_func=lambda city: city.name)
    span = history_span(connection, [city.name])
    if span is None:
        st.info("No reading of this city is cleaned yet: the batch layer does that by itself.")
        st.stop()
    start, end = frame.period(data.Span(*span), city.time_zone, default="Everything")
    count = data.count_readings(connection, [city.name], start, end, rule_trial.MOST_READINGS + 1)
    if count > rule_trial.MOST_READINGS:
        st.info(f"More than {rule_trial.MOST_READINGS:,} readings: choose a shorter period.")
        st.stop()
    readings = list(read_history(connection, [city.name], Period(start, end)))

watched = rule_form.choose_watched()
values_of = alert_series.as_frame(values(watched.any_rule(), readings))
if values_of.empty:
    st.info("This city reported nothing of this kind in this time.")
    st.stop()
choice = rule_form.choose_rest(watched, sorted(values_of["value"]), city.name)
try:
    rule = choice.rule()
except RuleError as error:
    st.warning(words.escape(str(error)))
    st.stop()
found = rule_trial.judge(rule, readings, city)
result = outcome(rule.policy, found)
rule_trial.figures(result)
colour = charts.city_colours([known.name for known in cities])[city.name]
rule_trial.chart(values_of, choice, found, city, colour)
rule_trial.proposal(rule, watched, readings, city)
if result.firings:
    rule_trial.table(result, city, watched.unit)
st.subheader("As it stands in alerts.toml", anchor=False)
st.code(choice.toml(), language="toml")
st.caption(rule_form.HOW_TO_USE)
