"""What a tried rule would have done on the history of one city."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from citywx.text_output import length
from citywx.weather.alerting.backtest import Backtest, run_backtest
from citywx.weather.alerting.bench import Known
from citywx.weather.alerting.definitions import Definitions
from citywx.weather.alerting.outcome import Outcome
from citywx.weather.alerting.proposal import Proposal, propose
from citywx.weather.alerting.rules import Rule
from citywx.weather.city import City
from citywx.weather.reading import Reading
from dashboard import alert_charts, charts, tables, words
from dashboard.alert_charts import Drawn, Shade
from dashboard.rule_form import Choice, Watched, limit_key

MOST_READINGS = 100_000
_SHOWN_FIRINGS = 200


def figures(found: Outcome) -> None:
    """How often, how long, how many notices."""
    if not found.firings:
        st.success("It would never have fired in this time.")
        return
    median, longest = found.median_duration, found.longest_duration
    shown = {
        "Alerts": f"{len(found.firings):,}",
        "Alerts a month": f"{found.rate:.1f}",
        "Half last longer than": length(median) if median is not None else "–",
        "The longest": length(longest) if longest is not None else "–",
        "Notices": f"{found.notices:,}",
    }
    with st.container(horizontal=True, gap="medium"):
        for name, value in shown.items():
            st.metric(name, value, width="content")


def chart(values: pd.DataFrame, choice: Choice, found: Backtest, city: City, colour: str) -> None:
    """The course of what is compared, with the alerts shaded."""
    axis = charts.TimeAxis(city.time_zone, city.time_zone)
    last = values["timestamp"].iloc[-1].to_pydatetime()
    shades = [
        Shade(one.started_at, one.ended_at or last, one.severity.value) for one in found.firings
    ]
    title = choice.watched.title
    drawn = Drawn(title, colour, axis, (choice.limit,))
    st.altair_chart(
        alert_charts.firings(values, shades, drawn),
        alt=f"{title} in {city.name}, with {len(shades)} alerts",
    )
    st.caption("Shaded: an alert. Dashed: the limit. The times are those of the city.")


def table(found: Outcome, city: City, unit: str) -> None:
    """The alerts, the newest first."""
    st.subheader("Its alerts", anchor=False)
    pairs = list(zip(found.firings, found.durations, strict=True))[::-1]
    if len(pairs) > _SHOWN_FIRINGS:
        st.caption(f"The newest {_SHOWN_FIRINGS} of {len(pairs):,} alerts:")
    shown = pairs[:_SHOWN_FIRINGS]
    tables.show(
        pd.DataFrame(
            {
                "Since (local)": [words.short_time(one.started_at, city) for one, _ in shown],
                "Fired (local)": [words.short_time(one.fired_at, city) for one, _ in shown],
                "Lasted": [
                    length(span) + ("" if one.ended_at else ", not over") for one, span in shown
                ],
                "Peak": ["–" if one.peak is None else f"{one.peak:.1f} {unit}" for one, _ in shown],
            }
        )
    )


def proposal(rule: Rule, watched: Watched, readings: Sequence[Reading], city: City) -> None:
    """The level for a wanted rate, on demand."""
    st.subheader("Which limit for how many alerts", anchor=False)
    wanted = st.number_input(
        "Alerts a month that you want",
        min_value=0.1,
        value=None,
        step=1.0,
        format="%.1f",
        placeholder="Say how many, and a limit is proposed",
    )
    if wanted is None:
        return
    found = propose(rule, wanted, readings, _known(city))
    if found is None:
        st.info("There is no value to go by.")
        return
    level, unit = found.chosen.level, watched.unit
    st.markdown(
        f"**{watched.comparison.words} {level.limit:g} {unit}** would have fired "
        f"**{found.chosen.rate:.1f} times a month**."
    )
    _tried(found, unit)

    def take() -> None:
        st.session_state[limit_key(watched)] = level.limit

    st.button("Take this limit", on_click=take)


def judge(rule: Rule, readings: Sequence[Reading], city: City) -> Backtest:
    """The rule on the readings of the city."""
    return run_backtest(Definitions((rule,)), readings, _known(city))


def _known(city: City) -> Known:
    zone = city.zone
    return Known(zones=lambda _: zone)


def _tried(found: Proposal, unit: str) -> None:
    with st.expander("What other limits would have given"):
        tables.show(
            pd.DataFrame(
                {
                    f"Limit ({unit})": [one.level.limit for one in found.tried],
                    "Alerts a month": [round(one.rate, 1) for one in found.tried],
                }
            )
        )
