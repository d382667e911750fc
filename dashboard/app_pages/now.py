"""Now: a card a city, refreshed every five seconds."""

import streamlit as st

from dashboard import cards, charts, data, frame, resources
from dashboard.resources import database

frame.title("now")
with database() as connection:
    names = [city.name for city in frame.known_cities(connection)]
chosen = st.multiselect(
    "Cities", names, default=names[:6], placeholder="Choose cities", bind="query-params", key="city"
)


@st.fragment(run_every=5)
def show_cards() -> None:
    """All cards, from one look at the database."""
    with database() as connection:
        every = data.cities(connection)
        recent = data.last_readings(connection, names, cards.POINTS)
        predictions = data.predictions(connection, chosen)
    clock = cards.Clock(resources.now(), recent["timestamp"].max(), resources.home_kind())
    colours = charts.city_colours(names)
    shown = [city for city in every if city.name in chosen]
    for first in range(0, len(shown), 2):
        for column, city in zip(st.columns(2), shown[first : first + 2], strict=False):
            with column:
                cards.show(
                    city,
                    recent[recent["city"] == city.name],
                    predictions[predictions["city"] == city.name],
                    clock=clock,
                    colour=colours[city.name],
                )


if chosen:
    show_cards()
else:
    st.info("Choose at least one city.")
