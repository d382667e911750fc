"""Alerts: what fires now, what did, one of them among its readings, the rules, the silences."""

import streamlit as st

from dashboard import (
    alert_data,
    alert_forms,
    alert_page,
    alert_tables,
    data,
    frame,
    one_alert,
    tables,
)
from dashboard.resources import database, now

frame.title("alerts")
with database() as connection:
    cities = {city.name: city for city in frame.known_cities(connection)}
    span = data.span(connection, list(cities))
    counts = alert_data.by_rule(connection, now() - alert_data.RECENT)
    silences = alert_page.standing_silences(connection)
if span is None:
    st.info(frame.NO_READINGS)
    st.stop()
file = alert_page.read_rules()
rules = file.names(counts)


@st.fragment(run_every=5)
def show_current() -> None:
    """What is not over, refreshed every five seconds."""
    with database() as connection:
        alert_page.show_current(connection, cities)


happenings, of_rules, of_silences = st.tabs(["Alerts", "Rules", "Silences"])
with happenings:
    show_current()
    st.subheader("History", anchor=False)
    chosen = alert_page.choose(span, list(cities), rules)
    with database() as connection:
        past = alert_data.past(connection, chosen)
        if past:
            alert_tables.past(past, cities, span.last)
            st.caption(tables.latency_sentence(alert_data.newest_events(connection)))
        else:
            st.info("No alert matches. What is watched for stands under Rules.")
        alert = alert_page.choose_one(connection, past, cities)
        if alert is not None:
            one_alert.show(connection, alert, alert_page.city_of(alert, cities), span.last)
    if alert is not None and alert.firing:
        alert_forms.about(alert)
with of_rules:
    alert_page.show_rules(file, counts)
with of_silences:
    alert_forms.standing(silences, cities)
    alert_forms.silence("any", rules, list(cities))
