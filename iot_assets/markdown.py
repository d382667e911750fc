"""Tables and plots for Dagster's pages."""

import base64
import io
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from citywx.weather.forecasting.forecast import Forecast
from iot_assets.report.facts import DayFacts

_DOTS_PER_INCH = 80


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    r"""A Markdown table; text in it cannot leave its cell.

    >>> print(table(["city", "rows"], [["a|b", 3]]))
    | city | rows |
    | --- | --- |
    | a\|b | 3 |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def forecast_table(forecasts: Sequence[Forecast]) -> str:
    """The forecasts, one a line, with their skill."""
    rows = [
        (
            forecast.city,
            forecast.variable,
            forecast.horizon.value,
            forecast.method.value,
            f"{forecast.value:.1f}",
            "" if forecast.mae is None else f"{forecast.mae:.2f}",
            "" if forecast.skill is None else f"{forecast.skill:+.0%}",
            forecast.note or "",
        )
        for forecast in forecasts
    ]
    header = ("city", "variable", "horizon", "method", "value", "MAE", "skill", "note")
    return table(header, rows)


def bar_plot(counts: Mapping[date, int], title: str) -> str:
    """A bar a day, as a Markdown image with the picture in it."""
    figure = Figure(figsize=(8, 2.4), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(np.arange(len(counts)), list(counts.values()), color="#2b7bba")
    _days_below(axes, list(counts))
    axes.set_title(title, fontsize=10, loc="left")
    return image(figure, title)


def quality_plot(days: Sequence[DayFacts]) -> str:
    """What the readings of each day are worth, all cities together, as a Markdown image."""
    wanted = sorted({one.day for one in days})
    place = {day: number for number, day in enumerate(wanted)}
    suspect, failed = np.zeros(len(wanted)), np.zeros(len(wanted))
    readings = np.zeros(len(wanted))
    for one in days:
        readings[place[one.day]] += one.readings
        suspect[place[one.day]] += one.suspect
        failed[place[one.day]] += one.failed
    figure = Figure(figsize=(8, 2.4), layout="constrained")
    axes = figure.add_subplot()
    total = np.maximum(readings, 1)
    for share, below, color, label in (
        (100 * suspect / total, np.zeros(len(wanted)), "#f2c14e", "suspect"),
        (100 * failed / total, 100 * suspect / total, "#c0392b", "failed"),
    ):
        axes.bar(np.arange(len(wanted)), share, bottom=below, color=color, label=label)
    _days_below(axes, wanted)
    axes.set_title("% of each day's readings that are doubtful", fontsize=10, loc="left")
    axes.legend(fontsize=8, frameon=False)
    return image(figure, "doubtful readings a day")


def image(figure: Figure, title: str) -> str:
    """A figure as a Markdown image with the picture in it."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=_DOTS_PER_INCH)
    return f"![{title}](data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()})"


def _days_below(axes: Axes, days: Sequence[date]) -> None:
    """Some of the days below a plot that has a bar for each."""
    every = max(1, len(days) // 8)
    axes.set_xticks(np.arange(0, len(days), every), [str(day) for day in days][::every])
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
