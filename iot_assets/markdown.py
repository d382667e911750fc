"""Tables and plots for Dagster's pages."""

import base64
import io
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from matplotlib.figure import Figure

from citywx.weather.forecasting.forecast import Forecast

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
    every = max(1, len(counts) // 8)
    axes.set_xticks(np.arange(0, len(counts), every), [str(day) for day in counts][::every])
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return image(figure, title)


def image(figure: Figure, title: str) -> str:
    """A figure as a Markdown image with the picture in it."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=_DOTS_PER_INCH)
    return f"![{title}](data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()})"


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
