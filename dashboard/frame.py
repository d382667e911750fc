"""What pages share: the frame around them, and their controls."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st
from sqlalchemy import Connection
from streamlit.navigation.page import Page

from citywx.weather.city import City
from dashboard import data, resources, words

PAGES = {
    "now": "Now",
    "compare": "Compare",
    "history": "History",
    "alerts": "Alerts",
    "try_a_rule": "Try a rule",
    "data_quality": "Data quality",
    "pipeline": "Pipeline",
    "subscribe": "Subscribe",
    "mail": "Mail",
}
NO_READINGS = (
    "No readings yet. They appear within a minute of `make up`; `citywx status` shows whether "
    "the poller and the recorder are running."
)
"""What a page with an empty database says."""

FAILED = (
    "This page failed, and what you see may not be all of it. Reload it to try again. What "
    "happened stands in `logs/dashboard.log` in the data home; `citywx status` shows where that is."
)
"""What a page says of an error that nobody expected: nothing of the error itself."""

_PERIODS = {
    "24 hours": timedelta(days=1),
    "7 days": timedelta(days=7),
    "30 days": timedelta(days=30),
    "Everything": None,
}
_CHOOSE = "Dates…"


def mails_are_files() -> bool:
    """Whether mails are written to a folder instead of being sent."""
    return resources.settings().smtp_url is None


def banner() -> None:
    """Say so when what is shown was not measured, or not now."""
    text = words.BANNERS.get(resources.home_kind())
    if text:
        st.warning(text)


def sidebar(subscribe: Page) -> None:
    """The way to the daily mail."""
    with st.sidebar:
        st.page_link(subscribe, label="Get the daily mail", width="stretch")


def say_failed(_error: Exception) -> bool:
    """Put our words in the place of Streamlit's, which has logged the error already."""
    st.error(FAILED)
    return True


def title(name: str) -> None:
    """The page's heading."""
    st.header(PAGES[name], anchor=False)


def known_cities(connection: Connection) -> list[City]:
    """All cities that have readings; with none, the page says what to do and ends.

    Also says, in the sidebar, whose data they are.
    """
    every = data.cities(connection)
    newest = data.last_readings(connection, [city.name for city in every], points=1)
    with_readings = set(newest["city"])
    found = [city for city in every if city.name in with_readings]
    if not found:
        st.info(NO_READINGS)
        st.stop()
    attribute(newest["source"])
    return found


def attribute(sources: Iterable[str]) -> None:
    """Say in the sidebar whose data these are."""
    with st.sidebar:
        for line in words.attributions(sources):
            st.caption(line)


def period(span: data.Span, zone: str, *, default: str = "7 days") -> tuple[datetime, datetime]:
    """Let people choose a period; presets end at the newest reading, not at the wall clock."""
    labels = [*_PERIODS, _CHOOSE]
    chosen = st.segmented_control("Period", labels, default=default, required=True) or default
    end = span.last + timedelta(microseconds=1)
    if chosen != _CHOOSE:
        length = _PERIODS[chosen]
        return (max(span.first, end - length) if length else span.first, end)
    tz = ZoneInfo(zone)
    first, last = span.first.astimezone(tz).date(), span.last.astimezone(tz).date()
    dates: Any = st.date_input(
        "From – to (both included)",
        (max(first, last - timedelta(days=6)), last),
        min_value=first,
        max_value=last,
        format="YYYY-MM-DD",
    )
    if len(dates) < len(("from", "to")):
        st.info("Choose the last day too.")
        st.stop()
    return (
        datetime.combine(dates[0], time(), tz).astimezone(UTC),
        datetime.combine(dates[1] + timedelta(days=1), time(), tz).astimezone(UTC),
    )
