"""The parts of the page Pipeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import inf, isfinite

import pandas as pd
import streamlit as st

from dashboard import counters, pipeline_charts, processes, tables
from dashboard import pipeline_words as words
from dashboard.counters import Step, number
from dashboard.pipeline_charts import Period
from dashboard.processes import ALERTER, BRIDGE, ENDED, RECORDER, Condition, ProcessStatus

_PERIOD = timedelta(hours=1)
_FRESH = timedelta(seconds=30)  # samples come every ten
_FLOWS = (  # series, process, counter, label
    ("Published", BRIDGE, "citywx_bridge_lines_total", "fate=published"),
    ("Judged", ALERTER, "citywx_alerter_readings_total", ""),
    ("Recorded", RECORDER, "citywx_recorder_rows_total", "table=live_readings"),
)
_MEDIAN, _TAIL = 0.5, 0.99
_CARDS_A_ROW = 3
_MEMORY = "process_resident_memory_bytes"
_DROPPED = "citywx_mqtt_broker_dropped"
_SEEN = "citywx_consumer_seen_total"

Steps = Mapping[str, Sequence[Step]]


def period(now: datetime) -> Period:
    """What the page looks back on."""
    return Period(now - _PERIOD, now)


def verdict(heard: Mapping[str, ProcessStatus], now: datetime) -> None:
    """Whether everything is in step, in one sentence."""
    missing = processes.not_heard(heard)
    if missing:
        st.warning(words.missing(missing))
    found = {name: _condition(heard[name], heard, now) for name in processes.in_order(heard)}
    unwell = {name: how for name, how in found.items() if how in ENDED}
    behind = [name for name, how in found.items() if how is Condition.CATCHING_UP]
    if RECORDER in unwell:
        st.warning(words.writer_silent(heard[RECORDER].said_at, now))
    elif unwell:
        st.warning(words.unwell(unwell))
    if behind:
        st.info(words.catching_up(behind))
    if not (missing or unwell or behind):
        st.success(words.IN_STEP)


def cards(heard: Mapping[str, ProcessStatus], now: datetime) -> None:
    """A card a process."""
    names = processes.in_order(heard)
    for first in range(0, len(names), _CARDS_A_ROW):
        row = names[first : first + _CARDS_A_ROW]
        for column, name in zip(st.columns(_CARDS_A_ROW), row, strict=False):
            with column, st.container(border=True, height="stretch"):
                _card(heard[name], heard, now)


def _card(status: ProcessStatus, heard: Mapping[str, ProcessStatus], now: datetime) -> None:
    found = _condition(status, heard, now)
    st.subheader(words.name(status.process), anchor=False)
    state = words.state(found, status.said_at, now)
    st.markdown(f":{words.COLOURS[found]}-badge[{state}]")
    role = words.ROLES.get(status.process)
    told = [role] if role else []
    st.caption(" · ".join([*told, words.last_word(status.said_at, now)]))
    distance = processes.behind(status, heard.get(BRIDGE))
    lines = [words.distance(status.process, distance)]
    memory = number(status.metrics, _MEMORY)
    if memory is not None:
        lines.append(f"Memory: {words.size(memory)}")
    st.markdown("  \n".join(line for line in lines if line))


def _condition(
    status: ProcessStatus, heard: Mapping[str, ProcessStatus], now: datetime
) -> Condition:
    return processes.condition(status, processes.behind(status, heard.get(BRIDGE)), now)


def flow(found: Steps, now: datetime) -> None:
    """Rows per second, now and over the last hour."""
    drawn = pd.DataFrame(
        [
            {"timestamp": step.end, "series": series, "value": step.rate(name, label)}
            for series, process, name, label in _FLOWS
            for step in found.get(process, ())
        ]
    )
    with st.container(horizontal=True, gap="medium"):
        for series, process, name, label in _FLOWS:
            last = found[process][-1] if found.get(process) else None
            fresh = last is not None and now - last.end <= _FRESH
            rate = last.rate(name, label) if last and fresh else None
            st.metric(series, words.per_second(rate), width="content")
    st.altair_chart(
        pipeline_charts.rates(drawn, period(now)),
        alt="Rows per second through each process, last hour",
    )


def latency(
    title: str, meaning: str, metric: str, found: Sequence[Step], drawn_over: Period
) -> None:
    """Median and 99th percentile of a histogram, over the last hour and its course."""
    st.markdown(f"**{title}**")
    st.caption(meaning)
    whole = counters.buckets(found, metric)
    observed = max(whole.values(), default=0)
    if not observed:
        st.info(words.NOTHING_MEASURED)
        return
    longest = max(bound for bound in whole if isfinite(bound))
    with st.container(horizontal=True, gap="medium"):
        for label, q in (("Median", _MEDIAN), ("99th percentile", _TAIL)):
            value = words.latency(counters.quantile(q, whole), longest)
            st.metric(label, value, width="content")
        st.metric("Measured", words.count(observed), width="content")
    drawn = pd.DataFrame(
        [
            {"timestamp": step.end, "series": series, "value": _drawn(step, metric, q, longest)}
            for series, q in (("Median", _MEDIAN), ("99th percentile", _TAIL))
            for step in found
        ]
    )
    st.altair_chart(
        pipeline_charts.latencies(drawn, drawn_over), alt=f"{title}: median and 99th percentile"
    )


def _drawn(step: Step, metric: str, q: float, longest: float) -> float | None:
    """A quantile as it is drawn: what is longer than measured stands at the top."""
    value = counters.quantile(q, counters.buckets([step], metric))
    return longest if value == inf else value


def mishaps(found: Steps, heard: Mapping[str, ProcessStatus]) -> None:
    """What went wrong in the last hour, and what was done about it."""
    every = [step for name in found for step in found[name]]
    bridge = heard.get(BRIDGE)
    shown = (
        ("Gaps found", counters.total(every, _SEEN, "what=gaps"), words.GAPS),
        ("Read from the log", counters.total(every, _SEEN, "what=from_log"), words.FROM_LOG),
        ("Duplicates", counters.total(every, _SEEN, "what=duplicates"), words.DUPLICATES),
        ("Unreadable messages", counters.total(every, _SEEN, "what=unreadable"), None),
        (
            "Rejected lines",
            counters.total(every, "citywx_bridge_lines_total", "fate=rejected"),
            words.REJECTED,
        ),
        ("Connections", counters.total(every, "citywx_mqtt_connections_total"), words.CONNECTIONS),
        ("Refused", counters.total(every, "citywx_bridge_refused_total"), words.REFUSED),
        ("Dropped", number(bridge.metrics, _DROPPED) if bridge else None, words.DROPPED),
    )
    with st.container(horizontal=True, gap="medium"):
        for label, value, meaning in shown:
            st.metric(label, words.count(value), help=meaning, width="content")
    for title, metric in (
        ("Rejected because", "citywx_bridge_rejected_total"),
        ("Refused with code", "citywx_bridge_refused_total"),
    ):
        counted = counters.by_label(every, metric)
        if counted:
            tables.show(pd.DataFrame({title: list(counted), "Times": list(counted.values())}))
