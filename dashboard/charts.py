"""Data frame → chart. No Streamlit, no database.

Times arrive aware; each chart draws them as wall time of one named zone, the same for every
viewer, whatever the zone of the browser.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import pandas as pd

from dashboard.words import NAMES, UNITS

PALETTE = (
    "#2a78c2", "#e07b39", "#2f9e77", "#c2528b", "#8a6fd1",
    "#b8921f", "#4aa5b5", "#d0524f", "#7a8b3c", "#8c6d5a",
)  # fmt: skip
"""Distinct on white and on near-black."""
OUTCOMES = {
    "loaded": "#2f9e77", "duplicates": "#7f95a8", "corrected": "#b8921f",
    "rejected": "#d0524f", "skipped": "#b9c2ca",
}  # fmt: skip
NARROWEST = 2.0
"""Degrees, per cent, hPa or m/s that a card's axis shows at least."""
LONGEST_BRIDGE = pd.Timedelta(hours=6)
"""Over a longer time without a value a line is broken, not drawn through."""


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """In which zone times are drawn, and what that zone is called."""

    zone: str
    label: str


UTC_AXIS = TimeAxis("UTC", "UTC")


def city_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour a city, the same on every page: it follows from the whole list of cities."""
    return {name: PALETTE[number % len(PALETTE)] for number, name in enumerate(sorted(names))}


def wall_time(frame: pd.DataFrame, axis: TimeAxis) -> pd.DataFrame:
    """The frame with `local`: its `timestamp` as wall time of the zone, without offset."""
    return frame.assign(local=frame["timestamp"].dt.tz_convert(axis.zone).dt.tz_localize(None))


def broken_at_gaps(drawn: pd.DataFrame, variable: str) -> pd.DataFrame:
    """The rows with a value, and an empty one in each gap that is too long to draw through.

    `drawn` is sorted by `local`; with a column `city`, each city has gaps of its own.
    """
    known = drawn.dropna(subset=[variable])
    times = known.groupby("city")["local"] if "city" in known else known["local"]
    after = known[times.diff() > LONGEST_BRIDGE]
    empty = after.assign(local=after["local"] - LONGEST_BRIDGE / 2)
    empty[variable] = float("nan")
    if empty.empty:
        return known
    return pd.concat([known, empty]).sort_values("local", kind="stable")


def trend(frame: pd.DataFrame, variable: str, colour: str, axis: TimeAxis) -> alt.Chart:
    """The course of one measure of one city: small, for a card."""
    drawn = broken_at_gaps(wall_time(frame, axis)[["local", variable]], variable)
    chart: alt.Chart = (
        alt.Chart(drawn)
        .mark_line(color=colour, strokeWidth=2, interpolate="monotone")
        .encode(
            x=_x(axis, title=None),
            y=_y(variable, title=UNITS[variable]).scale(
                domain=domain(drawn[variable]), zero=False, nice=True
            ),
            tooltip=[_when(axis), _value(variable)],
        )
        .properties(height=140)
    )
    return chart


def domain(values: "pd.Series[float]") -> list[float]:
    """From the least to the greatest value, and never so narrow that noise looks like weather."""
    low, high = float(values.min()), float(values.max())
    widen = max(0.0, NARROWEST - (high - low)) / 2
    return [low - widen, high + widen]


def compare(
    frame: pd.DataFrame, variable: str, colours: Mapping[str, str], axis: TimeAxis
) -> alt.Chart:
    """One measure of several cities, one line each."""
    drawn = broken_at_gaps(wall_time(frame, axis)[["local", "city", variable]], variable)
    chart: alt.Chart = (
        alt.Chart(drawn)
        .mark_line(strokeWidth=1.8)
        .encode(
            x=_x(axis),
            y=_y(variable),
            color=_city_colour(drawn["city"], colours),
            tooltip=["city:N", _when(axis), _value(variable)],
        )
        .properties(height=320)
    )
    return chart


def history(frame: pd.DataFrame, variable: str, colour: str, axis: TimeAxis) -> alt.LayerChart:
    """Every reading of one city; those with `doubts` about this measure are marked."""
    drawn = broken_at_gaps(wall_time(frame, axis)[["local", variable, "doubts"]], variable)
    doubtful = drawn[(drawn["doubts"] != "") & drawn[variable].notna()]
    where, shown = {"x": _x(axis), "y": _y(variable)}, [_when(axis), _value(variable)]
    layers = [
        alt.Chart(drawn).mark_line(color=colour, strokeWidth=1.6).encode(**where, tooltip=shown)
    ]
    if not doubtful.empty:
        marks = alt.Chart(doubtful).mark_point(color="#d0524f", size=55, strokeWidth=2)
        why = alt.Tooltip("doubts:N", title="Flags")
        layers.append(marks.encode(**where, tooltip=[*shown, why]))
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(height=360)
    return chart


def ranges(frame: pd.DataFrame, variable: str, colour: str, axis: TimeAxis) -> alt.LayerChart:
    """Mean of each hour or day as a line, minimum to maximum as a band."""
    names = [f"{variable}_{word}" for word in ("mean", "min", "max")]
    drawn = wall_time(frame, axis)[["local", *names]].dropna()
    base = alt.Chart(drawn).encode(
        x=_x(axis),
        tooltip=[
            _when(axis),
            *(_value(variable, field=name, title=name.rsplit("_", 1)[1]) for name in names),
        ],
    )
    band = base.mark_area(color=colour, opacity=0.22).encode(
        y=_y(variable, field=names[1]), y2=f"{names[2]}:Q"
    )
    line = base.mark_line(color=colour, strokeWidth=2).encode(y=_y(variable, field=names[0]))
    chart: alt.LayerChart = (band + line).properties(height=360)
    return chart


def accounting(batches: pd.DataFrame) -> alt.Chart:
    """What became of the lines of each load."""
    drawn = batches.rename(columns={"loaded_at": "timestamp"})
    drawn = wall_time(drawn, UTC_AXIS)[["local", *OUTCOMES]].melt(
        "local", var_name="outcome", value_name="lines"
    )
    chart: alt.Chart = (
        alt.Chart(drawn)
        .mark_bar()
        .encode(
            x=alt.X("local:T", title="Loaded at (UTC)", axis=TIME_LABELS),
            y=alt.Y("lines:Q", title="Lines", stack=True),
            color=alt.Color(
                "outcome:N",
                title=None,
                scale=alt.Scale(domain=list(OUTCOMES), range=list(OUTCOMES.values())),
                legend=LEGEND,
            ),
            tooltip=["local:T", "outcome:N", alt.Tooltip("lines:Q", format=",")],
        )
        .properties(height=260)
    )
    return chart


LEGEND = alt.Legend(orient="top", columns=3, labelLimit=220)
TIME_LABELS = alt.Axis(
    labelOverlap=True,
    tickCount={"expr": "width / 65"},
    grid=False,
    labelExpr="hours(datum.value) || minutes(datum.value) ? timeFormat(datum.value, '%H:%M')"
    " : dayofyear(datum.value) == 1 ? timeFormat(datum.value, '%Y')"
    " : timeFormat(datum.value, '%-d %b')",
)


def _x(axis: TimeAxis, title: str | None = "") -> alt.X:
    shown = f"Time ({axis.label})" if title == "" else title
    return alt.X("local:T", title=shown, axis=TIME_LABELS)


def _y(variable: str, *, field: str | None = None, title: str | None = None) -> alt.Y:
    return alt.Y(
        f"{field or variable}:Q",
        title=title or f"{NAMES[variable]} ({UNITS[variable]})",
        scale=alt.Scale(zero=False, nice=True),
    )


def _when(axis: TimeAxis) -> alt.Tooltip:
    return alt.Tooltip("local:T", title=f"Time ({axis.label})", format="%a %d %b %Y %H:%M")


def _value(variable: str, *, field: str | None = None, title: str | None = None) -> alt.Tooltip:
    shown = f"{title or NAMES[variable]} ({UNITS[variable]})"
    return alt.Tooltip(f"{field or variable}:Q", title=shown, format=".1f")


def _city_colour(present: "pd.Series[str]", colours: Mapping[str, str]) -> alt.Color:
    names = sorted(set(present))
    return alt.Color(
        "city:N",
        title=None,
        scale=alt.Scale(domain=names, range=[colours[name] for name in names]),
        legend=LEGEND,
    )
