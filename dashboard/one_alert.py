"""One alert: what it is, the readings around it, and what happened to it."""

from datetime import datetime, timedelta

import pandas as pd
import streamlit as st
from sqlalchemy import Connection

from citywx.text_output import length
from citywx.weather.alerting.metrics import METRICS
from citywx.weather.city import City
from dashboard import alert_charts, alert_data, alert_tables, alert_words, charts, data, words
from dashboard.alert_data import Alert
from dashboard.alert_series import metric_values

_LEAST_MARGIN, _MOST_MARGIN = timedelta(hours=6), timedelta(days=3)
_OTHERWISE = METRICS["temperature_c"]
"""Drawn where an alert watches no single quantity."""
GONE = "The readings around this alert are no longer kept, or have not arrived yet."


def label(alert: Alert, city: City) -> str:
    """How an alert is listed."""
    when = words.short_time(alert.started_at, city)
    return f"{alert.rule_id} in {alert.city}, {when}, {alert_words.STATES[alert.state]}"


def show(connection: Connection, alert: Alert, city: City, newest: datetime) -> None:
    """All about it; `newest`: until when there are readings."""
    end = alert.resolved_at or max(newest, alert.started_at)
    _facts(alert, city, end)
    _chart(connection, alert, city, end)
    with st.expander("What happened"):
        alert_tables.events(alert_data.events(connection, alert.alert_id), city)


def _facts(alert: Alert, city: City, end: datetime) -> None:
    st.markdown(f"**{words.escape(alert.message)}**")
    if alert.advice and alert.resolved_at is None:
        st.markdown(words.escape(alert.advice))
    shown = {
        "Severity": alert.worst_severity,
        "State": alert_words.STATES[alert.state],
        "Lasted": length(end - alert.started_at),
        "Peak": alert_words.quantity(alert.metric, alert.peak),
    }
    with st.container(horizontal=True, gap="medium"):
        for name, value in shown.items():
            st.metric(name, value, width="content")
    judged = f"{alert.readings:,} reading{'' if alert.readings == 1 else 's'}"
    doubt = " One of its readings is doubtful." if alert.suspect else ""
    nobody = "" if alert.notify else " Nobody is told of alerts of this rule."
    started = words.local_time(alert.started_at, city)
    st.caption(f"Since {started}, {judged}.{doubt}{nobody}")
    if alert.acknowledged_by and alert.acknowledged_at:
        at = words.local_time(alert.acknowledged_at, city)
        note = f": {words.escape(alert.note)}" if alert.note else ""
        st.info(f"{words.escape(alert.acknowledged_by)} takes care since {at}{note}")


def _chart(connection: Connection, alert: Alert, city: City, end: datetime) -> None:
    metric = alert_words.base_metric(alert.metric) or _OTHERWISE
    values = metric_values(_readings(connection, alert, end), metric)
    if not values["value"].notna().any():
        st.info(GONE)
        return
    exact = metric.name == alert.metric and alert.limit_value is not None
    drawn = alert_charts.Drawn(
        alert_words.metric_title(metric),
        charts.PALETTE[0],
        charts.TimeAxis(city.time_zone, city.time_zone),
        (alert.limit_value,) if exact and alert.limit_value is not None else (),
    )
    shade = alert_charts.Shade(alert.started_at, end, alert.worst_severity)
    st.altair_chart(
        alert_charts.around(values, shade, _marks(alert), drawn),
        alt=f"{drawn.title} in {city.name} around the alert",
    )


def _readings(connection: Connection, alert: Alert, end: datetime) -> pd.DataFrame:
    """Those around the alert; of a very long one their hourly or daily means."""
    margin = min(max((end - alert.started_at) / 2, _LEAST_MARGIN), _MOST_MARGIN)
    names, start, end = [alert.city], alert.started_at - margin, end + margin
    points = data.count_readings(connection, names, start, end, data.MAX_POINTS + 1)
    step = data.step_for(points, end - start, data.Step.RAW)
    if step is data.Step.RAW:
        return data.readings(connection, names, start, end)
    return data.mean_readings(connection, names, start, end, step=step)


def _marks(alert: Alert) -> list[alert_charts.Mark]:
    """Its moments; those at the same time are one."""
    moments = ((alert.started_at, "start"), (alert.peak_at, "peak"), (alert.resolved_at, "end"))
    by_time: dict[datetime, list[str]] = {}
    for moment, what in moments:
        if moment is not None:
            by_time.setdefault(moment, []).append(what)
    return [alert_charts.Mark(at, ", ".join(what)) for at, what in by_time.items()]
