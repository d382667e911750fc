"""Alerts: what is wrong now, and what happened lately."""

import streamlit as st

from dashboard import data, frame, tables
from dashboard.resources import database

frame.title("alerts")
with database() as connection:
    names = [city.name for city in frame.known_cities(connection)]
left, right = st.columns(2)
chosen = left.multiselect("Cities", names, placeholder="All cities") or names
severities = list(tables.SEVERITIES)
wanted = right.multiselect("Severity", severities, placeholder="All severities") or severities


@st.fragment(run_every=5)
def show_alerts() -> None:
    """Open and recent events."""
    with database() as connection:
        cities = {city.name: city for city in data.cities(connection)}
        still = data.open_alerts(connection, chosen, wanted)
        recent = data.recent_alerts(connection, chosen, wanted)
    st.subheader("Open now", anchor=False)
    if still.empty:
        st.success("No open alert for these cities.")
    else:
        tables.alerts(still, cities)
    st.subheader("Latest events", anchor=False)
    if recent.empty:
        st.info("No alert so far. The rules stand in `alerts.toml`.")
    else:
        st.caption(tables.latency_sentence(recent))
        tables.alerts(recent, cities)


show_alerts()
