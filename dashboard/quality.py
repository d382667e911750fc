"""The parts of the page Data quality."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from citywx.home import Home, HomeKind
from citywx.text_output import printable
from citywx.weather.city import City
from dashboard import flags, reports, tables, words
from dashboard.charts import OUTCOMES

_SHOWN_BYTES = 200


def links(home: Home | None, dagster_url: str | None) -> None:
    """Where there is more to see."""
    with st.container(horizontal=True):
        if home and reports.latest(home):
            st.link_button("Open the quality report", reports.PATH)
        else:
            st.caption("The quality report appears here after its first run.")
        if dagster_url:
            st.link_button("Open Dagster", dagster_url)


def totals(batches: pd.DataFrame) -> None:
    """The sums over the loads shown."""
    since = batches["loaded_at"].iloc[0]
    st.caption(
        f"lines = loaded + duplicates + corrected + rejected + skipped, over the newest "
        f"{len(batches)} loads, since {since:%-d %b %Y, %H:%M} UTC"
    )
    with st.container(horizontal=True, gap="medium"):
        for name in ("lines", *OUTCOMES):
            st.metric(name.capitalize(), f"{int(batches[name].sum()):,}", width="content")


def freshness(newest: pd.DataFrame, cities: Sequence[City], now: datetime, kind: HomeKind) -> None:
    """How old each city's newest reading is."""
    places = {city.name: city for city in cities}
    times = [moment.to_pydatetime() for moment in newest["timestamp"]]
    latest = max(times)
    tables.show(
        pd.DataFrame(
            {
                "City": newest["city"],
                "Newest reading (local)": [
                    words.short_time(moment, places[name])
                    for moment, name in zip(times, newest["city"], strict=True)
                ],
                "Age": [words.reading_age(moment, now, latest, kind) for moment in times],
                "Source": newest["source"].map(words.source_name),
                "State": newest["live"].map({True: "live", False: "checked"}),
            }
        )
    )


def flag_table(flagged: pd.DataFrame) -> None:
    """How often which flag was raised where."""
    tables.show(
        pd.DataFrame(
            {
                "City": flagged["city"],
                "Flag": flagged["flag"].map(flags.sentence),
                "Readings": flagged["readings"],
            }
        )
    )


def rejected_table(rejected: pd.DataFrame) -> None:
    """The newest rejected lines; their bytes are escaped, so that nothing in them acts."""
    tables.show(
        pd.DataFrame(
            {
                "First seen (UTC)": rejected["first_seen"].dt.strftime("%Y-%m-%d %H:%M:%S"),
                "Reason": rejected["reason"],
                "Line": rejected["raw"].map(_start_of_line),
            }
        )
    )


def _start_of_line(raw: bytes) -> str:
    return printable(raw[:_SHOWN_BYTES]) + (" …" if len(raw) > _SHOWN_BYTES else "")
