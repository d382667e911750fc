"""Tables as people read them: names instead of codes, units, local times; no index column."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from citywx.weather.alerting.policy import Severity
from citywx.weather.city import City
from dashboard import words

LIVE = pd.Timedelta(hours=1)  # services give an observation up to an hour late
_CITY_WIDTH = 110  # pixels, so that no long name pushes the rest out of a phone's screen
SEVERITIES = tuple(severity.value for severity in reversed(Severity))  # the worst first


def latency_sentence(recent: pd.DataFrame) -> str:
    """How long decisions took, measured from the line's writing; of the live ones, if any.

    Events of observations that were old when they were judged waited in a backlog.
    """
    live = recent["decided_at"] - recent["observed_at"] <= LIVE
    measured = recent.loc[live if live.any() else ~live, "latency_ms"].dropna()
    if measured.empty:
        return "No latency was measured for these events."
    return (
        f"From the writing of a reading to the decision: median {measured.median():.1f} ms, "
        f"slowest {measured.max():.1f} ms, over {len(measured)} events."
    )


def flagged(readings: pd.DataFrame, city: City) -> None:
    """The flagged readings of one city in words, newest first."""
    suspect = readings[readings["flags"] != ""].iloc[::-1]
    if suspect.empty:
        st.caption("No reading of this period is flagged.")
        return
    st.subheader(f"Flagged readings: {len(suspect):,}", anchor=False)
    times = [words.short_time(moment.to_pydatetime(), city) for moment in suspect["timestamp"]]
    values = {
        words.NAMES[name]: [words.quantity(name, value) for value in suspect[name]]
        for name in words.NAMES
    }
    show(pd.DataFrame({"Observed (local)": times, "Flags": suspect["flags"], **values}))


def show(frame: pd.DataFrame, columns: Mapping[str, object] | None = None) -> None:
    """A table of the page's width."""
    widths = {"City": st.column_config.TextColumn(width=_CITY_WIDTH)}
    config: Any = widths | dict(columns or {})
    st.dataframe(frame, hide_index=True, width="stretch", column_config=config)
