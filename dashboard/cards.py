"""The card of one city on the page Now."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import streamlit as st

from citywx.home import HomeKind
from citywx.weather.advice import build_advice
from citywx.weather.city import City
from citywx.weather.forecasting.forecast import Method
from citywx.weather.reading import MEASURES, Reading
from dashboard import charts, flags, words

POINTS = 50
"""How many readings a trend draws, and a prediction is made from."""

TREND, BASELINE = Method.LINEAR_TREND.value, Method.SEASONAL_NAIVE.value


@dataclass(frozen=True, slots=True)
class Clock:
    """What ages count from."""

    now: datetime
    newest: datetime
    """Newest reading of all cities."""
    kind: HomeKind


def show(
    city: City, recent: pd.DataFrame, predictions: pd.DataFrame, *, clock: Clock, colour: str
) -> None:
    """Draw the card: now, advice, the last 50 points, tomorrow."""
    latest = recent.iloc[-1]
    reading = reading_of(latest)
    with st.container(border=True):
        _heading(city, reading, live=bool(latest["live"]), clock=clock)
        _values(reading)
        for advice in build_advice(reading):
            st.markdown(f"**{words.escape(advice.text)}**", help=advice.source)
        for sentence in flags.sentences(latest["qc_flags"], latest["imputed"]):
            st.caption(f":orange[{words.escape(sentence)}]")
        _trends(city, recent, colour)
        _tomorrow(city, recent, predictions)


def reading_of(row: "pd.Series[object]") -> Reading:
    """A row of the warehouse as the reading that it is."""
    values = {name: None if pd.isna(value := row[name]) else float(value) for name in MEASURES}
    return Reading(
        timestamp=row["timestamp"].to_pydatetime(),
        city=row["city"],
        weather=row["weather"],
        source=row["source"],
        **values,
    )


def _heading(city: City, reading: Reading, *, live: bool, clock: Clock) -> None:
    st.subheader(words.escape(city.name), anchor=False)
    passed = words.reading_age(reading.timestamp, clock.now, clock.newest, clock.kind)
    state = "live, not yet checked" if live else "checked"
    st.caption(
        f"{words.local_time(reading.timestamp, city)} · {passed} · "
        f"{words.escape(words.source_name(reading.source))} · {state}"
    )


def _values(reading: Reading) -> None:
    with st.container(horizontal=True, gap="medium"):
        for name in MEASURES:
            value = words.quantity(name, getattr(reading, name))
            st.metric(words.NAMES[name], value, width="content")
        if reading.weather:
            st.metric("Sky", words.escape(reading.weather), width="content")


def _trends(city: City, recent: pd.DataFrame, colour: str) -> None:
    axis = charts.TimeAxis(city.time_zone, city.time_zone)
    for column, name in zip(st.columns(2), ("temperature_c", "humidity"), strict=True):
        if recent[name].notna().any():
            column.altair_chart(
                charts.trend(recent, name, colour, axis),
                alt=f"{words.NAMES[name]} of {city.name}: the last {len(recent)} readings",
            )


def _tomorrow(city: City, recent: pd.DataFrame, predictions: pd.DataFrame) -> None:
    told = predictions.dropna(subset=["value"])
    if told.empty:
        st.caption(f"**Tomorrow:** {words.no_prediction(len(recent), POINTS)}")
        return
    target = told["target_time"].iloc[0].to_pydatetime()
    st.markdown(f"**{words.day_name(target, city)}**, mean of the day as predicted")
    for column, name in zip(st.columns(2), ("temperature_c", "humidity"), strict=True):
        by_method = told[told["variable"] == name].set_index("method")
        with column:
            _prediction(name, by_method, int(recent[name].notna().sum()))


def _prediction(name: str, by_method: pd.DataFrame, points: int) -> None:
    if TREND not in by_method.index:
        st.caption(f"{words.NAMES[name]}: {words.no_prediction(points, POINTS)}")
        return
    trend = by_method.loc[TREND]
    st.metric(words.NAMES[name], words.quantity(name, float(trend["value"])))
    st.caption(words.skill_sentence(TREND, trend["skill"]), help=trend["note"] or None)
    if BASELINE in by_method.index:
        same = words.quantity(name, float(by_method.loc[BASELINE, "value"]))
        st.caption(f"{words.method_name(BASELINE).capitalize()}: {same}")
