"""Saying something about alerts: somebody takes care, or nobody shall be told for a while."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import streamlit as st

from citywx.notices import silences
from citywx.notices.holds import Silence
from citywx.notices.silences import SilenceError, SilenceRequest
from citywx.weather.city import City
from dashboard import resources, tables, words
from dashboard.alert_data import Alert
from dashboard.alert_tables import StandingSilence

LASTS = {
    "1 hour": timedelta(hours=1),
    "4 hours": timedelta(hours=4),
    "1 day": timedelta(days=1),
    "1 week": timedelta(weeks=1),
}
_ANY = ("Every rule", "Every city", "Any severity")
_NAME = "Your name"


def take_care(alert_id: str) -> None:
    """Acknowledge an alert."""
    with st.form(f"acknowledge-{alert_id}", border=True):
        st.markdown("**Take care of it**: people get no more reminders, but still word of its end.")
        left, right = st.columns(2)
        author = left.text_input(_NAME, max_chars=80)
        note = right.text_input("What is done about it", max_chars=200)
        if not st.form_submit_button("Acknowledge", type="primary"):
            return
    with resources.writing() as engine, engine.begin() as connection:
        try:
            fresh = silences.acknowledge(
                connection, alert_id, author=author, note=note, now=resources.now()
            )
        except SilenceError as error:
            st.warning(words.escape(str(error)))
            return
    _say("Acknowledged." if fresh else "Somebody took care of it already.")


def about(alert: Alert) -> None:
    """What can be said of one alert that fires."""
    if alert.acknowledged_by is None:
        take_care(alert.alert_id)
    silence(alert.alert_id, [alert.rule_id], [alert.city])


def silence(key: str, rules: Sequence[str], cities: Sequence[str]) -> None:
    """Tell nobody of some alerts for a while; the first of the rules and cities is chosen."""
    with st.form(f"silence-{key}", border=True):
        st.markdown("**Silence**: nobody is told; alerts are still recorded and shown.")
        rule, city, severity, lasts = st.columns(4)
        what = Silence(
            _chosen(rule.selectbox("Rule", [*rules, _ANY[0]])),
            _chosen(city.selectbox("City", [*cities, _ANY[1]])),
            _chosen(severity.selectbox("Up to severity", [_ANY[2], *tables.SEVERITIES])),
        )
        span = LASTS[lasts.selectbox("For", list(LASTS))]
        left, right = st.columns(2)
        author = left.text_input(_NAME, max_chars=80)
        reason = right.text_input("Why", max_chars=200)
        if not st.form_submit_button("Silence"):
            return
    now = resources.now()
    wanted = SilenceRequest(what, now, now + span, author, reason)
    with resources.writing() as engine, engine.begin() as connection:
        try:
            silences.add_silence(connection, wanted)
        except SilenceError as error:
            st.warning(words.escape(str(error)))
            return
    _say("Silenced.")


def standing(found: Sequence[StandingSilence], cities: Mapping[str, City]) -> None:
    """The silences that hold now or later, each with a button that ends it."""
    if not found:
        st.info("Nothing is silenced.")
    for one in found:
        place = cities.get(one.silence.city or "", City("UTC"))
        text, button = st.columns([5, 1], vertical_alignment="center")
        until = words.local_time(one.ends_at, place)
        text.markdown(
            f"**{words.escape(one.words)}** until {until}, by {words.escape(one.author)}: "
            f"{words.escape(one.reason)}"
        )
        if button.button("End", key=f"end-{one.number}"):
            _end(one.number)


def _end(number: int) -> None:
    with resources.writing() as engine, engine.begin() as connection:
        try:
            silences.end_silence(connection, number, resources.now())
        except SilenceError as error:
            st.warning(words.escape(str(error)))
            return
    _say("The silence has ended.")


def _chosen(option: str) -> str | None:
    return None if option in _ANY else option


def _say(text: str) -> None:
    """After the page is drawn anew, with what has changed."""
    st.toast(text)
    st.rerun()
