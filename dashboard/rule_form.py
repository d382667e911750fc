"""Choosing a rule by controls, and writing it as it stands in `alerts.toml`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from citywx.weather.alerting.definitions import parse_definitions
from citywx.weather.alerting.metrics import METRICS
from citywx.weather.alerting.policy import Severity
from citywx.weather.alerting.rules import Comparison, Rule
from dashboard.alert_words import METRIC_NAMES, metric_title
from dashboard.words import escape

_AS_IT_IS = "the value"
_OVER = {
    _AS_IT_IS: "",
    **{f"its change over {hours} h": f"{hours}h" for hours in (1, 3, 6, 12, 24)},
}
_HOLDS = {
    "at once": "", "30 min": "30m", "1 h": "1h", "2 h": "2h", "3 h": "3h", "6 h": "6h",
    "12 h": "12h", "1 d": "1d",
}  # fmt: skip
_COMPARISONS = [comparison.value for comparison in Comparison]
_SEVERITIES = [severity.value for severity in Severity]
_STEP = 0.5
HOW_TO_USE = (
    "Add it to the rules file, with a name and a message of your own; `citywx alerts check` reads "
    "the file, and the alerter takes it up on SIGHUP or when it is started again."
)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is compared, before a limit is chosen."""

    metric: str
    change_over: str
    """As in `alerts.toml`; empty: the value itself."""
    comparison: Comparison

    @property
    def key(self) -> str:
        """Tells the controls of one from those of another."""
        return f"{self.metric}-{self.change_over}-{self.comparison.value}"

    def any_rule(self) -> Rule:
        """A rule that watches it, with some limit."""
        return Choice(self, 0.0, 0.0, "", Severity.INFO, None).rule()

    @property
    def title(self) -> str:
        """What an axis says.

        >>> Watched("pressure", "3h", Comparison.BELOW).title
        'Change of pressure in 3h (hPa)'
        """
        title = metric_title(METRICS[self.metric])
        over = self.change_over
        return (
            f"Change of {title[0].lower()}{title[1:]}".replace(" (", f" in {over} (")
            if over
            else title
        )

    @property
    def unit(self) -> str:
        """Of the limit."""
        return METRICS[self.metric].unit


@dataclass(frozen=True, slots=True)
class Choice:
    """A whole rule."""

    watched: Watched
    limit: float
    distance: float
    """Between the limit and the clear level."""
    hold: str
    """As in `alerts.toml`; empty: at once."""
    severity: Severity
    city: str | None
    """Where it holds; None: everywhere."""

    @property
    def clear(self) -> float:
        """The level at which the condition is over."""
        sign = -1 if self.watched.comparison.upward else 1
        return round(self.limit + sign * self.distance, 3)

    def rule(self) -> Rule:
        """The rule, read as from the file; RuleError where it cannot be one."""
        (rule,) = parse_definitions(self.toml()).rules
        return rule

    def toml(self) -> str:
        """The table in `alerts.toml`."""
        watched = self.watched
        name = METRIC_NAMES[watched.metric]
        words = f"{name} {watched.comparison.words} {self.limit:g} {watched.unit}"
        lines = [
            f'id = "{self.rule_id}"',
            f'metric = "{watched.metric}"',
            f'change_over = "{watched.change_over}"' if watched.change_over else "",
            f"{watched.comparison.value} = {self.limit:g}",
            f"clear = {self.clear:g}" if self.distance else "",
            f'for = "{self.hold}"' if self.hold else "",
            f'severity = "{self.severity.value}"',
            f"message = {_quoted(words)}",
            f"cities = [{_quoted(self.city)}]" if self.city else "",
        ]
        return "\n".join(["[[rule]]", *filter(None, lines)]) + "\n"

    @property
    def rule_id(self) -> str:
        """A name made of what it watches.

        >>> warm = Watched("temperature_c", "", Comparison.ABOVE)
        >>> Choice(warm, -3.5, 0, "", Severity.INFO, None).rule_id
        'temperature_c-above-minus-3_5'
        """
        watched = self.watched
        over = f"-{watched.change_over}" if watched.change_over else ""
        number = f"{self.limit:g}".replace("-", "minus-").replace(".", "_")
        return f"{watched.metric}{over}-{watched.comparison.value}-{number}"


def choose_watched() -> Watched:
    """The metric, and how it is compared."""
    metric, over, comparison = st.columns(3)
    return Watched(
        metric.selectbox("Metric", list(METRICS), format_func=METRIC_NAMES.__getitem__),
        _OVER[over.selectbox("Compared is", list(_OVER))],
        Comparison(comparison.selectbox("When it is", _COMPARISONS, format_func=_words)),
    )


def choose_rest(watched: Watched, ordered: Sequence[float], city: str) -> Choice:
    """The levels, which begin where a twentieth of the values, in rising order, lies beyond."""
    key = limit_key(watched)
    if key not in st.session_state:
        place = (19 if watched.comparison.upward else 1) * (len(ordered) - 1) // 20
        st.session_state[key] = float(round(ordered[place]))
    columns = st.columns(4)
    limit = columns[0].number_input(f"Limit ({watched.unit})", key=key, step=_STEP, format="%.1f")
    distance = columns[1].number_input(
        f"Over when back by ({watched.unit})",
        min_value=0.0,
        step=_STEP,
        format="%.1f",
        help="The distance between the limit and the clear level. It keeps a value that wavers "
        "around the limit from firing again and again.",
    )
    hold = columns[2].selectbox("Fires when it has held for", list(_HOLDS))
    severity = columns[3].selectbox("Severity", _SEVERITIES)
    here = st.checkbox(f"Only in {escape(city)}")
    return Choice(
        watched, limit, distance, _HOLDS[hold], Severity(severity), city if here else None
    )


def limit_key(watched: Watched) -> str:
    """Where the session keeps the limit."""
    return f"limit-{watched.key}"


def _words(comparison: str) -> str:
    return Comparison(comparison).words


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
