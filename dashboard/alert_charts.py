"""Readings → chart, with alerts on it. No Streamlit, no database.

Frames have a `timestamp` and a `value`, the metric that an alert watches.
"""

from dataclasses import dataclass
from datetime import datetime

import altair as alt
import pandas as pd

from dashboard.charts import TIME_LABELS, TimeAxis, broken_at_gaps, wall_time

SEVERITY_COLOURS = {"info": "#4aa5b5", "warning": "#e07b39", "severe": "#d0524f"}
MOST_POINTS = 6_000
"""More are thinned out, but for the highest and lowest of each part."""
_MARKS = "#d0524f"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn, and how."""

    title: str
    """Of the value, with its unit."""
    colour: str
    axis: TimeAxis
    limits: tuple[float, ...] = ()
    """Levels of the same quantity."""


@dataclass(frozen=True, slots=True)
class Shade:
    """A time in which an alert fires."""

    start: datetime
    end: datetime
    severity: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of an alert, such as its peak."""

    at: datetime
    what: str


def firings(values: pd.DataFrame, shades: list[Shade], drawn: Drawn) -> alt.LayerChart:
    """The course of a value, with the times shaded in which alerts fire."""
    return _layers([*_shades(shades, drawn), _line(values, drawn), *_limits(drawn)])


def around(values: pd.DataFrame, shade: Shade, marks: list[Mark], drawn: Drawn) -> alt.LayerChart:
    """One alert among the readings around it, its moments marked."""
    layers = [*_shades([shade], drawn), _line(values, drawn), *_limits(drawn)]
    return _layers([*layers, *_marks(values, marks, drawn)])


def thinned(values: pd.DataFrame, most: int = MOST_POINTS) -> pd.DataFrame:
    """At most about so many rows; of each part the highest and the lowest stay."""
    known = values.dropna(subset=["value"])
    if len(known) <= most:
        return known
    parts = pd.Series(range(len(known)), index=known.index) * (most // 2) // len(known)
    groups = known["value"].groupby(parts)
    kept = pd.Index(pd.concat([groups.idxmin(), groups.idxmax()])).unique()
    return known.reindex(kept.sort_values())


def _layers(layers: list[alt.Chart]) -> alt.LayerChart:
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(height=320)
    return chart


def _line(values: pd.DataFrame, drawn: Drawn) -> alt.Chart:
    rows = broken_at_gaps(wall_time(thinned(values), drawn.axis)[["local", "value"]], "value")
    line: alt.Chart = (
        alt.Chart(rows)
        .mark_line(color=drawn.colour, strokeWidth=1.6)
        .encode(
            x=_x(drawn),
            y=_y(drawn),
            tooltip=[_when(drawn), alt.Tooltip("value:Q", title=drawn.title, format=".1f")],
        )
    )
    return line


def _shades(shades: list[Shade], drawn: Drawn) -> list[alt.Chart]:
    """With an edge, so that an hour is seen in a year."""
    if not shades:
        return []
    rows = pd.DataFrame(
        {
            "local": _local([shade.start for shade in shades], drawn),
            "until": _local([shade.end for shade in shades], drawn),
            "severity": [shade.severity for shade in shades],
        }
    )
    colour = alt.Color(
        "severity:N",
        scale=alt.Scale(domain=list(SEVERITY_COLOURS), range=list(SEVERITY_COLOURS.values())),
        legend=None,
    )
    return [
        alt.Chart(rows)
        .mark_rect(opacity=0.22, strokeWidth=1, strokeOpacity=0.9)
        .encode(
            x=_x(drawn),
            x2="until:T",
            color=colour,
            stroke=colour,
            tooltip=[
                alt.Tooltip("severity:N", title="Alert"),
                alt.Tooltip("local:T", title="From", format=_FORMAT),
                alt.Tooltip("until:T", title="Until", format=_FORMAT),
            ],
        )
    ]


def _limits(drawn: Drawn) -> list[alt.Chart]:
    if not drawn.limits:
        return []
    rows = pd.DataFrame({"value": drawn.limits})
    return [
        alt.Chart(rows)
        .mark_rule(color=_MARKS, strokeDash=[5, 4], strokeWidth=1.2)
        .encode(y=_y(drawn), tooltip=[alt.Tooltip("value:Q", title="Limit")])
    ]


def _marks(values: pd.DataFrame, marks: list[Mark], drawn: Drawn) -> list[alt.Chart]:
    """Each at the value of its time, or of the reading closest to it."""
    known = values.dropna(subset=["value"])
    if known.empty or not marks:
        return []
    times = pd.DataFrame(
        {
            "timestamp": pd.to_datetime([mark.at for mark in marks], utc=True).as_unit("us"),
            "what": [mark.what for mark in marks],
        }
    ).sort_values("timestamp")
    found = pd.merge_asof(times, known[["timestamp", "value"]], on="timestamp", direction="nearest")
    base = alt.Chart(wall_time(found, drawn.axis)).encode(x=_x(drawn), y=_y(drawn))
    points = base.mark_point(color=_MARKS, size=70, filled=True, opacity=1).encode(
        tooltip=[alt.Tooltip("what:N", title="What"), _when(drawn)]
    )
    names = base.mark_text(dy=-14, fontWeight="bold", color=_MARKS).encode(text="what:N")
    return [points, names]


_FORMAT = "%a %d %b %Y %H:%M"


def _local(moments: list[datetime], drawn: Drawn) -> "pd.Series[pd.Timestamp]":
    frame = pd.DataFrame({"timestamp": pd.to_datetime(moments, utc=True)})
    return wall_time(frame, drawn.axis)["local"]


def _x(drawn: Drawn) -> alt.X:
    return alt.X("local:T", title=f"Time ({drawn.axis.label})", axis=TIME_LABELS)


def _y(drawn: Drawn) -> alt.Y:
    return alt.Y("value:Q", title=drawn.title, scale=alt.Scale(zero=False, nice=True))


def _when(drawn: Drawn) -> alt.Tooltip:
    return alt.Tooltip("local:T", title=f"Time ({drawn.axis.label})", format=_FORMAT)
