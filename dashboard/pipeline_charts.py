"""Data frame → chart, for the page Pipeline. No Streamlit, no database.

Frames have a `timestamp`, the name of a `series`, and a `value`, empty where a line is broken. The
time axis is that of the period, whatever of it the samples cover.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import altair as alt
import pandas as pd

from dashboard.charts import LEGEND, PALETTE, TIME_LABELS, UTC_AXIS, wall_time


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when."""

    start: datetime
    end: datetime


_DECADES = [10.0**power for power in range(-2, 8)]
_WIDTHS = [6.0, 3.5, 1.5]
"""The first line is the widest, so that one under another is still seen."""
_COLOURS = (PALETTE[0], PALETTE[1], PALETTE[2])


def rates(frame: pd.DataFrame, period: Period) -> alt.Chart:
    """Rows per second, one line a series."""
    scale = alt.Scale(zero=True, nice=True)
    return _lines(frame, period, "Rows per second", scale, alt.Axis(tickCount=5)).properties(
        height=240
    )


def latencies(frame: pd.DataFrame, period: Period) -> alt.Chart:
    """Quantiles in milliseconds, one line each; each step up is ten times as long."""
    scale = alt.Scale(type="log", nice=True)
    axis = alt.Axis(values=_DECADES, format="~g")
    drawn = frame.assign(value=frame["value"] * 1_000)
    return _lines(drawn, period, "Milliseconds", scale, axis).properties(height=200)


def _lines(
    frame: pd.DataFrame, period: Period, title: str, scale: alt.Scale, axis: alt.Axis
) -> alt.Chart:
    drawn = wall_time(frame, UTC_AXIS)[["local", "series", "value"]]
    ends = [_wall(period.start), _wall(period.end)]
    names = list(dict.fromkeys(drawn["series"]))
    chart: alt.Chart = (
        alt.Chart(drawn)
        .mark_line(point=alt.OverlayMarkDef(size=12, filled=True))
        .encode(
            x=alt.X("local:T", title="Time (UTC)", axis=TIME_LABELS, scale=alt.Scale(domain=ends)),
            y=alt.Y("value:Q", title=title, scale=scale, axis=axis),
            color=alt.Color(
                "series:N",
                title=None,
                scale=alt.Scale(domain=names, range=list(_COLOURS[: len(names)])),
                legend=LEGEND,
            ),
            strokeWidth=alt.StrokeWidth(
                "series:N", scale=alt.Scale(domain=names, range=_WIDTHS[-len(names) :]), legend=None
            ),
            tooltip=[
                "series:N",
                alt.Tooltip("local:T", title="Time (UTC)", format="%H:%M:%S"),
                alt.Tooltip("value:Q", title=title, format=",.2f"),
            ],
        )
    )
    return chart


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
