"""What the dashboard asks stays cheap however long the history is."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import Connection, Engine, event, text

from citywx.warehouse.alert_history import Period, history_span, read_history
from citywx.warehouse.retention import Retention, retire
from citywx.warehouse.statistics import update_statistics
from dashboard import alert_data, data
from dashboard.alert_data import Chosen
from tests.support.pipeline_rows import fill_pipeline
from tests.support.weather_rows import CITIES, fill

pytestmark = pytest.mark.integration
NAMES = [city.name for city in CITIES[:2]]
NOW = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LARGE = {"weather_readings", "raw_readings"}


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]


def _ask_everything(connection: Connection) -> None:
    day = (NOW - timedelta(days=1), NOW)
    data.cities(connection)
    data.span(connection, NAMES)
    data.last_readings(connection, NAMES, 50)
    data.count_readings(connection, NAMES, *day, 100)
    data.readings(connection, NAMES, *day)
    data.summaries(connection, NAMES, *day, step=data.Step.HOUR)
    data.summaries(connection, NAMES, *day, step=data.Step.DAY)
    data.predictions(connection, NAMES)
    data.flag_counts(connection, NAMES, NOW)
    data.batches(connection)
    data.rejected_lines(connection)
    data.process_statuses(connection)
    data.pipeline_samples(connection, NOW - timedelta(hours=1))
    list(data.export_rows(connection, NAMES[0], *day, chunk=100))
    history_span(connection, NAMES)
    list(read_history(connection, NAMES[:1], Period(*day)))
    alert_data.current(connection)
    alert_data.past(connection, Chosen(NAMES, ("info",), ("warm",), ("firing",), *day))
    alert_data.named(connection, "a")
    alert_data.events(connection, "a")
    alert_data.newest_events(connection)
    alert_data.by_rule(connection, day[0])


@pytest.fixture
def long_history(engine: Engine) -> Engine:
    """A year of a reading every ten minutes for two cities."""
    fill(engine, now=NOW, days=2)
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE weather_readings_before PARTITION OF weather_readings "
                "FOR VALUES FROM ('2025-01-01T00:00Z') TO ('2026-11-01T00:00Z')"
            )
        )
        connection.execute(
            text(
                """
                INSERT INTO weather_readings ("timestamp", city, temperature_c, source)
                SELECT t, city, 1.5, 'csv'
                FROM generate_series(timestamptz '2025-11-01T00:00Z', '2026-10-31T00:00Z',
                                     interval '10 minutes') AS t,
                         unnest(CAST(:names AS text[])) AS city
                """
            ),
            {"names": NAMES},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return engine


def test_no_question_scans_a_large_table(long_history: Engine) -> None:
    plans: list[tuple[str, dict[str, Any]]] = []
    asked: list[tuple[str, Any]] = []
    event.listen(
        long_history, "before_cursor_execute", lambda *args: asked.append((args[2], args[3]))
    )
    with long_history.connect() as connection:
        _ask_everything(connection)
    for statement, parameters in tuple(asked):
        if not statement.lstrip().upper().startswith("SELECT"):
            continue
        with long_history.connect() as connection:
            (found,) = connection.exec_driver_sql(
                f"EXPLAIN (FORMAT JSON) {statement}", parameters
            ).one()
        plans.append((statement, found[0]["Plan"]))
    assert len(plans) > 9
    for statement, plan in plans:
        for node in _nodes(plan):
            table = node.get("Relation Name", "")
            large = table in LARGE or table == "weather_readings_before"
            assert not (large and node["Node Type"] == "Seq Scan"), json.dumps(
                [statement, plan], indent=1
            )


def test_the_last_readings_are_live_rows_and_cleaned_ones_without_doubles(engine: Engine) -> None:
    fill(engine, now=NOW, days=2, hostile=False)
    with engine.connect() as connection:
        last = data.last_readings(connection, NAMES, 5)
    for name in NAMES:
        times = last[last["city"] == name]["timestamp"]
        assert list(times) == sorted(set(times))
        assert len(times) == 5
    assert set(last["live"]) == {True, False}


def test_only_the_newest_prediction_is_told(engine: Engine) -> None:
    fill(engine, now=NOW, days=2, hostile=False)
    with engine.connect() as connection:
        told = data.predictions(connection, NAMES)
    assert set(told["issue_time"]) == {NOW}
    assert len(told) == len(NAMES) * 2 * 2


def test_of_every_half_minute_the_last_sample_is_told(engine: Engine) -> None:
    fill_pipeline(engine, NOW, minutes=3)
    with engine.connect() as connection:
        found = data.pipeline_samples(connection, NOW - timedelta(minutes=2))
        heard = data.process_statuses(connection)
    assert set(found) == set(heard) == {"bridge", "alerter", "recorder"}
    assert [(NOW - one.at).total_seconds() for one in found["bridge"]] == [100, 70, 40, 10, 0]
    assert heard["bridge"].metrics == found["bridge"][-1].metrics


def test_questions_about_nothing_are_answered_with_nothing(engine: Engine) -> None:
    with engine.connect() as connection:
        assert data.span(connection, []) is None
        assert data.last_readings(connection, [], 50).empty
        assert data.predictions(connection, []).empty
        assert data.flag_counts(connection, ["Nowhere"], NOW).empty
        assert data.process_statuses(connection) == {}
        assert data.pipeline_samples(connection, NOW) == {}
        assert alert_data.current(connection) == []
        assert alert_data.past(connection, Chosen()) == []
        assert alert_data.by_rule(connection, NOW) == {}


def test_hours_and_days_come_from_the_statistics_and_the_newest_from_the_readings(
    engine: Engine,
) -> None:
    fill(engine, now=NOW, days=3, hostile=False)
    start = NOW - timedelta(days=2)
    spans = {data.Step.HOUR: timedelta(hours=1), data.Step.DAY: timedelta(days=1)}
    with engine.begin() as connection:
        live = {step: data.summaries(connection, NAMES, start, NOW, step=step) for step in spans}
        for name in NAMES:
            update_statistics(connection, name, NOW - timedelta(days=3), NOW)
        for step, length in spans.items():
            kept = data.summaries(connection, NAMES, start, NOW, step=step)
            whole = kept["timestamp"] >= start
            assert_frame_equal(
                kept[whole].reset_index(drop=True),
                live[step][live[step]["timestamp"] >= start].reset_index(drop=True),
                atol=1e-6,
            )
            assert set(kept.groupby("city")["timestamp"].diff().dropna()) == {length}
            assert kept["timestamp"].max() == NOW.replace(hour=NOW.hour if length < DAY else 0) - (
                timedelta(hours=1) if length < DAY else timedelta()
            )


def test_a_history_whose_readings_are_gone_is_drawn_from_the_statistics(engine: Engine) -> None:
    fill(engine, now=NOW, days=40, hostile=False)
    december = date(2026, 12, 1)
    with engine.begin() as connection:
        for name in NAMES:
            update_statistics(connection, name, NOW - timedelta(days=40), NOW)
        before = data.span(connection, NAMES)
        retire(connection, Retention(december, december, None))
        connection.execute(text("DELETE FROM live_readings"))
        assert before is not None
        kept = data.summaries(connection, NAMES, before.first, NOW, step=data.Step.DAY)
    assert kept.groupby("city")["timestamp"].nunique().to_list() == [40, 40]


@pytest.mark.parametrize(
    ("days", "step"), [(7, data.Step.RAW), (30, data.Step.HOUR), (365, data.Step.DAY)]
)
def test_of_days_every_reading_of_weeks_hours_and_of_months_days(
    days: int, step: data.Step
) -> None:
    assert data.step_for(100, timedelta(days=days), None) is step
