"""The card of one city on the page Now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    with st.container(border=True, height="stretch"):
        _heading(city, reading, live=bool(latest["live"]), clock=clock)
        for advice in build_advice(reading):
            st.markdown(words.escape(advice.text), help=f"Rule: {words.escape(advice.source)}")
        for sentence in flags.sentences(latest["qc_flags"], latest["imputed"]):
            st.caption(f":orange[{words.escape(sentence)}]")
        _measures(city, recent, reading, colour)
        _tomorrow(city, recent, predictions)


def reading_of(row: "pd.Series[Any]") -> Reading:
    """A row of the warehouse as the reading that it is."""
    temperature_c, humidity, pressure, wind_speed = (_known(row[name]) for name in MEASURES)
    return Reading(
        timestamp=row["timestamp"].to_pydatetime(),
        city=row["city"],
        temperature_c=temperature_c,
        humidity=humidity,
        pressure=pressure,
        wind_speed=wind_speed,
        weather=row["weather"],
        source=row["source"],
    )


def _known(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _heading(city: City, reading: Reading, *, live: bool, clock: Clock) -> None:
    st.subheader(words.escape(city.name), anchor=False)
    passed = words.reading_age(reading.timestamp, clock.now, clock.newest, clock.kind)
    state = "live, not yet checked" if live else "checked"
    st.caption(
        f"{words.local_time(reading.timestamp, city)} · {passed} · "
        f"{words.escape(words.source_name(reading.source))} · {state}"
    )
    if not city.resolved:
        st.caption("Its place is not known, so its times are UTC.")
    others = [
        f"{words.NAMES[name]} {words.quantity(name, value)}"
        for name in ("wind_speed", "pressure")
        if (value := getattr(reading, name)) is not None
    ]
    sky = [f"**{words.escape(reading.weather.capitalize())}**"] if reading.weather else []
    st.markdown(" · ".join([*sky, *others]))


def _measures(city: City, recent: pd.DataFrame, reading: Reading, colour: str) -> None:
    axis = charts.TimeAxis(city.time_zone, city.time_zone)
    for column, name in zip(st.columns(2), ("temperature_c", "humidity"), strict=True):
        with column:
            st.metric(words.NAMES[name], words.quantity(name, getattr(reading, name)))
            if recent[name].notna().any():
                st.altair_chart(
                    charts.trend(recent, name, colour, axis),
                    alt=f"{words.NAMES[name]} of {city.name}: the last {len(recent)} readings",
                )
    st.caption(f"The last {len(recent)} readings, local time")


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
    rows = {str(method): row for method, row in by_method.iterrows()}
    trend: Any = rows.get(TREND)
    if trend is None:
        st.caption(f"{words.NAMES[name]}: {words.no_prediction(points, POINTS)}")
        return
    st.metric(words.NAMES[name], words.quantity(name, trend["value"]))
    st.caption(words.skill_sentence(TREND, trend["skill"]), help=trend["note"] or None)
    baseline: Any = rows.get(BASELINE)
    if baseline is not None:
        same = words.quantity(name, baseline["value"])
        st.caption(f"{words.method_name(BASELINE).capitalize()}: {same}")
