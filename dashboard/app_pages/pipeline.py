"""Pipeline: how the streaming processes are doing, refreshed every five seconds."""

import streamlit as st

from dashboard import counters, data, frame, pipeline, pipeline_words, resources
from dashboard.processes import ALERTER, BRIDGE
from dashboard.resources import database

frame.title("pipeline")
st.caption(pipeline_words.WHAT)


@st.fragment(run_every=5)
def show_pipeline() -> None:
    """The whole page, from one look at the database."""
    now = resources.now()
    period = pipeline.period(now)
    with database() as connection:
        heard = data.process_statuses(connection)
        samples = data.pipeline_samples(connection, period.start)
    if not heard:
        st.info(pipeline_words.NO_PROCESS)
        return
    pipeline.verdict(heard, now)
    pipeline.cards(heard, now)
    steps = {name: counters.steps(found) for name, found in samples.items()}

    st.subheader("Rows per second", anchor=False)
    st.caption(pipeline_words.FLOW)
    if not any(steps.values()):
        st.info(pipeline_words.COLLECTING)
        return
    pipeline.flow(steps, now)

    st.subheader("Latency in the last hour", anchor=False)
    st.caption(pipeline_words.LATENCY)
    left, right = st.columns(2)
    with left:
        pipeline.latency(
            "CSV → acknowledged",
            pipeline_words.ACKNOWLEDGED,
            "citywx_bridge_acknowledged_seconds",
            steps.get(BRIDGE, []),
            period,
        )
    with right:
        pipeline.latency(
            "CSV → decision",
            pipeline_words.DECIDED,
            "citywx_alerter_decision_seconds",
            steps.get(ALERTER, []),
            period,
        )

    st.subheader("Mishaps of the last hour", anchor=False)
    st.caption(pipeline_words.MISHAPS)
    pipeline.mishaps(steps, heard)


show_pipeline()
