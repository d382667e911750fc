"""Data quality: is every line accounted for, what was rejected, what was flagged, how fresh."""

import streamlit as st

from dashboard import charts, data, frame, quality, resources
from dashboard.resources import database

frame.title("data_quality")
quality.links(resources.home(), resources.settings().dagster_url)
with database() as connection:
    batches = data.batches(connection)
    rejected = data.rejected_lines(connection)
    cities = data.cities(connection)
    names = [city.name for city in cities]
    newest = data.last_readings(connection, names, points=1)
    span = data.span(connection, names)
    flagged = data.flag_counts(connection, names, span.last) if span else None

frame.attribute(newest["source"])
st.subheader("Every line accounted for", anchor=False)
if batches.empty:
    st.info("Nothing was loaded yet: the batch layer runs within a minute of `make up`.")
else:
    quality.totals(batches)
    st.altair_chart(charts.accounting(batches), alt="What became of the lines of each load")

st.subheader("Freshness", anchor=False)
if newest.empty:
    st.info(frame.NO_READINGS)
else:
    quality.freshness(newest, cities, resources.now(), resources.home_kind())

st.subheader("Flags of the last 7 days", anchor=False)
if flagged is None or flagged.empty:
    st.success("No reading of these days is flagged.")
else:
    quality.flag_table(flagged)

st.subheader("Rejected lines", anchor=False)
if rejected.empty:
    st.success("No line was rejected.")
else:
    quality.rejected_table(rejected)
