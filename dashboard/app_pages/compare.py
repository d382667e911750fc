"""Compare: two or more cities side by side over one period."""

import streamlit as st

from dashboard import charts, data, frame
from dashboard.resources import database
from dashboard.words import NAMES, UNITS

frame.title("compare")
with database() as connection:
    cities = frame.known_cities(connection)
    names = [city.name for city in cities]
    chosen = st.multiselect("Cities", names, default=names[:3])
    if not chosen:
        st.info("Choose two or more cities.")
        st.stop()
    span = data.span(connection, chosen)
    if span is None:
        st.info(frame.NO_READINGS)
        st.stop()
    start, end = frame.period(span, "UTC")
    points = data.count_readings(connection, chosen, start, end, data.MAX_POINTS + 1)
    step = data.step_for(points, end - start, data.Step.RAW, cities=len(chosen))
    if step is data.Step.RAW:
        readings = data.readings(connection, chosen, start, end)
    else:
        readings = data.mean_readings(connection, chosen, start, end, step=step)
        st.caption(f"More than {data.MAX_POINTS:,} readings: drawn as {step.value.lower()} means.")

colours = charts.city_colours(names)
for variable in ("temperature_c", "humidity"):
    st.subheader(f"{NAMES[variable]}, {UNITS[variable]}", anchor=False)
    st.altair_chart(
        charts.compare(readings, variable, colours, charts.UTC_AXIS),
        alt=f"{NAMES[variable]} of {', '.join(chosen)}",
    )
