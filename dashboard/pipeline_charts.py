"""Data frame → chart, for the page Pipeline. No Streamlit, no database.

Frames have a `timestamp`, the name of a `series`, and a `value`, empty where a line is broken. The
time axis is that of the period, whatever of it the samples cover.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts import LEGEND, PALETTE, TIME_LABELS, UTC_AXIS, wall_time


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when."""

    start: datetime
    end: datetime


_DECADES = [10.0**power for power in range(-2, 8)]
_WIDTHS = [8.0, 4.5, 1.5]
"""The first line is the widest, so that one under another is still seen."""


def rates(frame: pd.DataFrame, period: Period) -> alt.Chart:
    """Rows per second, one line a series."""
    drawn = _drawn(frame)
    names = list(dict.fromkeys(drawn["series"]))
    widths = alt.Scale(domain=names, range=_WIDTHS[-len(names) :])
    chart: alt.Chart = (
        alt.Chart(drawn)
        .mark_line()
        .encode(
            **_places(period, "Rows per second"),
            y=alt.Y("value:Q", title="Rows per second", axis=alt.Axis(tickCount=5)),
            color=_colour(names),
            strokeWidth=alt.StrokeWidth("series:N", scale=widths, legend=None),
        )
        .properties(height=240)
    )
    return chart


def latencies(frame: pd.DataFrame, period: Period) -> alt.Chart:
    """Quantiles in milliseconds, one line each; each step up is ten times as long.

    Values have points too: where readings are rare, there is nothing to join them with.
    """
    drawn = _drawn(frame)
    drawn["value"] *= 1_000
    chart: alt.Chart = (
        alt.Chart(drawn)
        .mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=14))
        .encode(
            **_places(period, "Milliseconds"),
            y=alt.Y(
                "value:Q",
                title="Milliseconds",
                scale=alt.Scale(type="log", nice=True),
                axis=alt.Axis(values=_DECADES, format="~g"),
            ),
            color=_colour(list(dict.fromkeys(drawn["series"]))),
        )
        .properties(height=200)
    )
    return chart


def _drawn(frame: pd.DataFrame) -> pd.DataFrame:
    return wall_time(frame, UTC_AXIS)[["local", "series", "value"]]


def _places(period: Period, title: str) -> dict[str, Any]:
    ends = alt.Scale(domain=[_wall(period.start), _wall(period.end)])
    return {
        "x": alt.X("local:T", title="Time (UTC)", axis=TIME_LABELS, scale=ends),
        "tooltip": [
            "series:N",
            alt.Tooltip("local:T", title="Time (UTC)", format="%H:%M:%S"),
            alt.Tooltip("value:Q", title=title, format=",.2f"),
        ],
    }


def _colour(names: list[str]) -> alt.Color:
    scale = alt.Scale(domain=names, range=list(PALETTE[: len(names)]))
    return alt.Color("series:N", title=None, scale=scale, legend=LEGEND)


def _wall(moment: datetime) -> alt.DateTime:
    """A moment's UTC time for a scale that knows no zones."""
    at = moment.astimezone(UTC)
    return alt.DateTime(
        year=at.year,
        month=at.month,
        date=at.day,
        hours=at.hour,
        minutes=at.minute,
        seconds=at.second,
    )
