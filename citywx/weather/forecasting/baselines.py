"""What any method has to beat: tomorrow is as today."""

from citywx.weather.forecasting.forecast import LIMITS, Horizon, Prediction, Target
from citywx.weather.forecasting.history import History

_DAY = 86_400.0
_TOLERANCE = 1800.0
"""Seconds by which yesterday's reading may miss its hour; half a step, where steps are wider."""


def seasonal_naive(history: History, target: Target, variable: str) -> Prediction | None:
    """The value 24 h before the target; for a day, the mean of the last 24 h; None if unknown."""
    if len(history) < 2:  # noqa: PLR2004 - a step needs two points
        return None
    if target.horizon is Horizon.TOMORROW:
        latest = float(history.times[-1])
        value = history.mean_between(latest - _DAY, latest)
    else:
        value = history.nearest(target.time - _DAY, max(_TOLERANCE, history.last(50).step / 2))
    if value is None:
        return None
    low, high = LIMITS[variable]
    return Prediction(min(max(value, low), high))
