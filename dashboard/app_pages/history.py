"""History: one city, any period, as finely as wanted."""

import streamlit as st

from dashboard import charts, data, export, flags, frame, tables
from dashboard.resources import database
from dashboard.words import NAMES

_AUTOMATIC = "Automatic"
_UTC = " of each UTC day"

frame.title("history")
with database() as connection:
    cities = frame.known_cities(connection)
    left, middle, right = st.columns(3)
    city = left.selectbox("City", cities, format_func=lambda city: city.name)
    variable = middle.selectbox("Measure", list(NAMES), format_func=NAMES.__getitem__)
    shown = right.selectbox("Shown", [_AUTOMATIC, *data.Step], format_func=str)
    wanted = data.Step(shown) if shown in set(data.Step) else None
    span = data.span(connection, [city.name])
    if span is None:
        st.info(frame.NO_READINGS)
        st.stop()
    start, end = frame.period(span, city.time_zone)
    points = data.count_readings(connection, [city.name], start, end, data.MAX_POINTS + 1)
    step = data.step_for(points, end - start, wanted)
    if step is data.Step.RAW:
        readings = flags.with_sentences(
            data.readings(connection, [city.name], start, end), variable
        )
    else:
        readings = data.summaries(connection, [city.name], start, end, step=step)

if wanted and step is not wanted:
    st.caption(f"More than {data.MAX_POINTS:,} readings: shown {step.value.lower()} instead.")
in_days = step is data.Step.DAY
axis = charts.UTC_AXIS if in_days else charts.TimeAxis(city.time_zone, city.time_zone)
if step is not data.Step.RAW:
    st.caption(f"The line is the mean, the band goes from minimum to maximum{_UTC * in_days}.")
colour = charts.city_colours([known.name for known in cities])[city.name]
draw = charts.history if step is data.Step.RAW else charts.ranges
st.altair_chart(draw(readings, variable, colour, axis), alt=f"{NAMES[variable]} of {city.name}")
st.link_button("Download as CSV", export.url(city.name, start, end))
if step is data.Step.RAW:
    tables.flagged(readings, city)
