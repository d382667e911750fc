"""What the pages about alerts are made of: words, series, charts, rules from controls."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywx.notices.holds import Silence
from citywx.weather.alerting.definitions import parse_definitions
from citywx.weather.alerting.metrics import METRICS
from citywx.weather.alerting.policy import Severity
from citywx.weather.alerting.rules import Comparison
from citywx.weather.comfort import dew_point
from citywx.weather.reading import MEASURES, Reading
from dashboard import alert_charts, alert_series, alert_words
from dashboard.alert_charts import Drawn, Mark, Shade
from dashboard.alert_data import Alert
from dashboard.alert_tables import StandingSilence, told
from dashboard.charts import TimeAxis
from dashboard.rule_form import Choice, Watched

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CAIRO = Drawn("Temperature (°C)", "#123456", TimeAxis("Africa/Cairo", "Africa/Cairo"), (30.0,))


def course(*values: float | None) -> pd.DataFrame:
    times = [NOON + number * HOUR for number in range(len(values))]
    frame = pd.DataFrame({"timestamp": pd.to_datetime(times, utc=True)})
    return frame.assign(value=pd.Series(values, dtype="float64"))


def alert(**more: object) -> Alert:
    known: dict[str, object] = {
        "alert_id": "a1", "rule_id": "heat", "city": "Cairo", "state": "firing",
        "severity": "warning", "worst_severity": "warning", "metric": "temperature_c",
        "limit_value": 35.0, "message": "Heat", "advice": "", "started_at": NOON,
        "resolved_at": None, "peak": 36.0, "peak_at": NOON, "readings": 2, "suspect": False,
        "notify": True, "acknowledged_by": None, "note": None, "acknowledged_at": None,
    }  # fmt: skip
    return Alert(**(known | more))  # type: ignore[arg-type] # names of its fields


def silence(what: Silence, *, starts: datetime = NOON, hours: int = 2) -> StandingSilence:
    return StandingSilence(1, what, starts, starts + hours * HOUR, "Ada", "tests")


def test_a_metric_is_computed_for_each_reading_and_missing_where_its_measures_are() -> None:
    readings = pd.DataFrame(
        {
            "timestamp": pd.to_datetime([NOON, NOON + HOUR], utc=True),
            "city": "Cairo",
            **dict.fromkeys(MEASURES, float("nan")),
            "temperature_c": [20.0, 20.0],
            "humidity": [50.0, None],
        }
    )
    values = alert_series.metric_values(readings, METRICS["dew_point"])["value"]
    assert values[0] == dew_point(20, 50)
    assert pd.isna(values[1])


def test_pairs_become_a_frame_with_aware_times() -> None:
    frame = alert_series.as_frame([(Reading(NOON, "Cairo"), 1.5)])
    assert frame["timestamp"][0] == NOON
    assert list(frame["value"]) == [1.5]
    assert alert_series.as_frame([]).empty


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=300), st.integers(2, 60))
def test_thinning_keeps_the_highest_and_the_lowest_in_order(values: list[float], most: int) -> None:
    thin = alert_charts.thinned(course(*values), most)
    assert len(thin) <= max(most, 2)
    assert thin["value"].max() == max(values)
    assert thin["value"].min() == min(values)
    assert thin["timestamp"].is_monotonic_increasing


def test_thinning_leaves_out_parts_without_a_value() -> None:
    thin = alert_charts.thinned(course(*[1.0] * 10, *[None] * 10), 4)
    assert thin["value"].notna().all()


def test_an_alert_is_shaded_in_wall_time_of_its_city() -> None:
    shade = Shade(NOON, NOON + HOUR, "severe")
    chart = alert_charts.firings(course(29, 31, 29), [shade], CAIRO)
    shaded, line, limit = chart.layer
    assert list(shaded.data["local"]) == [pd.Timestamp("2026-03-01 14:00")]
    assert list(shaded.data["until"]) == [pd.Timestamp("2026-03-01 15:00")]
    assert list(line.data["value"]) == [29, 31, 29]
    assert list(limit.data["value"]) == [30]


def test_without_alerts_nothing_is_shaded() -> None:
    assert len(alert_charts.firings(course(29), [], CAIRO).layer) == 2


def test_marks_stand_at_the_value_of_the_closest_reading() -> None:
    marks = [Mark(NOON + HOUR, "peak"), Mark(NOON + timedelta(minutes=10), "start")]
    shade = Shade(NOON, NOON + HOUR, "info")
    chart = alert_charts.around(course(29, 31), shade, marks, CAIRO)
    points = chart.layer[-1].data
    assert list(points["what"]) == ["start", "peak"]
    assert list(points["value"]) == [29, 31]


@pytest.mark.parametrize(
    ("metric", "name"),
    [("temperature_c", "temperature_c"), ("pressure change", "pressure"), ("silence", None)],
)
def test_what_is_drawn_for_an_alert_is_the_quantity_behind_it(
    metric: str, name: str | None
) -> None:
    found = alert_words.base_metric(metric)
    assert (found.name if found else None) == name


def test_every_metric_has_a_name() -> None:
    assert set(METRICS) == set(alert_words.METRIC_NAMES)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('metric = "pressure"\nbelow = 970', "Pressure below 970 hPa"),
        (
            'metric = "temperature_c"\nat_most = -4\nchange_over = "1h"\nfor = "90m"',
            "Temperature change in 1 h at most -4 °C, held for 1 h 30 min",
        ),
        ('silent_for = "2h"', "no reading for 2 h"),
    ],
)
def test_rules_are_told_in_words(keys: str, words: str) -> None:
    text = f'[[rule]]\nid = "a"\nseverity = "info"\nmessage = "A"\n{keys}\n'
    assert alert_words.watched(parse_definitions(text).rules[0]) == words


def test_a_silence_covers_alerts_while_it_lasts() -> None:
    here = silence(Silence(city="Cai*"))
    assert told(alert(), [here], NOON) == "silenced by Ada"
    assert told(alert(city="Oslo"), [here], NOON) == ""
    assert told(alert(), [here], NOON + 2 * HOUR) == ""
    assert told(alert(), [here], NOON - HOUR) == ""


def test_who_takes_care_and_what_tells_nobody_is_said() -> None:
    assert told(alert(acknowledged_by="Ada"), [], NOON) == "Ada takes care"
    assert told(alert(notify=False), [], NOON) == "tells nobody"


choices = st.builds(
    Choice,
    st.builds(
        Watched,
        st.sampled_from(sorted(METRICS)),
        st.sampled_from(["", "1h", "24h"]),
        st.sampled_from(Comparison),
    ),
    st.integers(-1000, 12_000).map(lambda tenths: tenths / 10),
    st.integers(0, 200).map(lambda tenths: tenths / 10),
    st.sampled_from(["", "30m", "1d"]),
    st.sampled_from(Severity),
    st.sampled_from([None, "Oslo", 'São "P" \\ Paulo']),
)


@given(choices)
def test_a_rule_from_controls_is_one_that_the_rules_file_may_hold(choice: Choice) -> None:
    rule = choice.rule()
    (level,) = rule.levels
    assert (level.limit, level.clear) == (choice.limit, choice.clear)
    assert abs(level.limit - level.clear) == pytest.approx(choice.distance)
    assert rule.comparison is choice.watched.comparison
    assert rule.policy.severities == (choice.severity,)
    assert rule.policy.cities == ((choice.city,) if choice.city else ())
    assert bool(rule.change_over) is bool(choice.watched.change_over)
    assert bool(rule.policy.hold) is bool(choice.hold)
