"""What is said of alerts and rules: metrics with their units, states, durations. No Streamlit."""

import math

from citywx.text_output import length
from citywx.weather.alerting.metrics import METRICS, Metric
from citywx.weather.alerting.policy import NO_TIME
from citywx.weather.alerting.rules import Rule
from dashboard import words

METRIC_NAMES = words.NAMES | {
    "dew_point": "Dew point",
    "heat_index": "Heat index",
    "humidex": "Humidex",
    "wind_chill": "Wind chill",
}
STATES = {
    "pending": "pending",
    "firing": "firing",
    "resolved": "over",
    "cancelled": "over before it fired",
}
_CHANGE = " change"


def base_metric(metric: str) -> Metric | None:
    """What the metric of an alert is made of; None where that is no single quantity.

    >>> base_metric("pressure change").name
    'pressure'
    """
    return METRICS.get(metric.removesuffix(_CHANGE))


def is_change(metric: str) -> bool:
    """Whether it is how much something has changed."""
    return metric.endswith(_CHANGE)


def watched(rule: Rule) -> str:
    """What a rule watches for."""
    held = f", held for {length(rule.policy.hold)}" if rule.policy.hold else ""
    if rule.metric is None or rule.comparison is None:
        return f"no reading for {length(rule.silent_for or NO_TIME)}{held}"
    over = f" change in {length(rule.change_over)}" if rule.change_over else ""
    limits = " / ".join(f"{level.limit:g}" for level in rule.levels)
    name, unit = METRIC_NAMES[rule.metric.name], rule.metric.unit
    return f"{name}{over} {rule.comparison.words} {limits} {unit}{held}"


def metric_title(metric: Metric) -> str:
    """What an axis says.

    >>> metric_title(METRICS["dew_point"])
    'Dew point (°C)'
    """
    return f"{METRIC_NAMES[metric.name]} ({metric.unit})"


def quantity(metric: str, value: float | None) -> str:
    """A value of an alert with its unit.

    >>> quantity("pressure change", -4.25), quantity("temperature_c", None)
    ('-4.2 hPa', '–')
    """
    if value is None or math.isnan(value):
        return "–"
    base = base_metric(metric)
    return f"{value:g}" if base is None else f"{round(value, 1) + 0.0:.1f} {base.unit}"
