"""History: one city, any period, as finely as wanted."""

import streamlit as st

from dashboard import charts, data, export, flags, frame, tables
from dashboard.resources import database
from dashboard.words import NAMES

frame.title("history")
with database() as connection:
    cities = frame.known_cities(connection)
    left, middle, right = st.columns(3)
    city = left.selectbox("City", cities, format_func=lambda city: city.name)
    variable = middle.selectbox("Measure", list(NAMES), format_func=NAMES.__getitem__)
    wanted = right.selectbox("Shown", list(data.Step), format_func=str)
    span = data.span(connection, [city.name])
    if span is None:
        st.info(frame.NO_READINGS)
        st.stop()
    start, end = frame.period(span, city.time_zone)
    points = data.count_readings(connection, [city.name], start, end, data.MAX_POINTS + 1)
    step = data.step_for(points, end - start, wanted or data.Step.RAW)
    if step is data.Step.RAW:
        readings = flags.with_sentences(
            data.readings(connection, [city.name], start, end), variable
        )
    else:
        readings = data.summaries(
            connection, [city.name], start, end, step=step, zone=city.time_zone
        )

if wanted and step is not wanted:
    st.caption(f"More than {data.MAX_POINTS:,} readings: shown {step.value.lower()} instead.")
axis = charts.TimeAxis(city.time_zone, city.time_zone)
colour = charts.city_colours([known.name for known in cities])[city.name]
draw = charts.history if step is data.Step.RAW else charts.ranges
st.altair_chart(draw(readings, variable, colour, axis), alt=f"{NAMES[variable]} of {city.name}")
st.link_button("Download as CSV", export.url(city.name, start, end))
if step is data.Step.RAW:
    tables.flagged(readings, city)
