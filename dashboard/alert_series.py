"""Readings as the course of one metric. No Streamlit, no database."""

from collections.abc import Iterable

import pandas as pd

from citywx.weather.alerting.metrics import Metric
from citywx.weather.reading import MEASURES, Reading


def metric_values(readings: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The metric at each of the readings of one city: `timestamp` and `value`."""
    measures = (
        readings[name].astype(object).where(readings[name].notna(), None) for name in MEASURES
    )
    rows = zip(readings["timestamp"], readings["city"], *measures, strict=True)
    values = _floats([metric.of(Reading(*row)) for row in rows], readings.index)
    return pd.DataFrame({"timestamp": readings["timestamp"], "value": values})


def as_frame(found: Iterable[tuple[Reading, float]]) -> pd.DataFrame:
    """What `proposal.values` gives, as `timestamp` and `value`."""
    pairs = list(found)
    times = pd.to_datetime([reading.timestamp for reading, _ in pairs], utc=True)
    return pd.DataFrame({"timestamp": times, "value": _floats([value for _, value in pairs])})


def _floats(values: list[float | None], index: pd.Index | None = None) -> "pd.Series[float]":
    return pd.Series(values, index=index, dtype="float64")
