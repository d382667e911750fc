"""The Dagster side of what surrounds the readings: statistics, climatology, upkeep."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, inspect, text

from citywx.home import Home
from citywx.settings import Settings
from citywx.warehouse.cities import add_unresolved
from citywx.warehouse.clean import move_watermarks
from citywx.warehouse.retention import start_of
from citywx.warehouse.watermarks import LogPlace, advance_watermark, read_watermark
from iot_assets.assets.readings import ATTEMPT_TAG
from iot_assets.check_queries import waiting_raw_readings
from iot_assets.definitions import build_definitions
from iot_assets.resources import Pipeline
from tests.support.warehouse_rows import add_dirty_day, add_hours

pytestmark = pytest.mark.integration

DAY = date(2026, 3, 31)
_ROWS_READ = text(
    "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables "
    "WHERE relname LIKE 'raw_readings_%'"
)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def pipeline(engine: Engine, folder: Path, **settings: int) -> Pipeline:
    found = Settings(data_dir=folder, home_name="test", **settings)
    return Pipeline(found, Home.named(found, "test"), engine)


def run(
    job: str, pipeline: Pipeline, instance: dg.DagsterInstance, **options: object
) -> dg.ExecuteInProcessResult:
    definitions = build_definitions(pipeline.settings)
    return definitions.resolve_job_def(job).execute_in_process(
        instance=instance, resources={"pipeline": pipeline}, **options
    )


def test_upkeep_makes_months_ahead_and_drops_old_ones(
    engine: Engine, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with engine.begin() as connection:
        add_hours(connection, "Oslo", date(2020, 1, 31), 48)
    result = run("warehouse_upkeep", pipeline(engine, tmp_path, retain_months=12), instance)
    assert result.success
    names = set(inspect(engine).get_table_names())
    assert f"raw_readings_{datetime.now(UTC):%Y_%m}" in names
    assert not [name for name in names if "_2020_" in name]


def test_windows_from_before_the_start_of_history_hold_nothing_back(
    engine: Engine, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    old = date(2009, 12, 1)
    with engine.begin() as connection:
        add_hours(connection, "Oslo", old, 24)
        add_dirty_day(connection, "Oslo", old)
        advance_watermark(connection, "loaded_through", LogPlace(1, 500))
    run("warehouse_upkeep", pipeline(engine, tmp_path, retain_months=12), instance)
    assert not [name for name in inspect(engine).get_table_names() if "_2009_" in name]
    move_watermarks(engine)
    with engine.connect() as connection:
        assert read_watermark(connection, "cleaned_through") == LogPlace(1, 500)


def test_statistics_of_days_are_made_anew_by_a_run_that_the_sensor_did_not_ask_for(
    engine: Engine, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with engine.begin() as connection:
        add_unresolved(connection, ["Oslo"])
        add_hours(connection, "Oslo", DAY, 30)
    here = pipeline(engine, tmp_path)
    assets = dg.AssetSelection.assets("hourly_statistics", "daily_statistics")
    job = dg.define_asset_job("rebuild", assets)
    definitions = dg.Definitions.merge(build_definitions(here.settings), dg.Definitions(jobs=[job]))

    def rows_after_a_run(tags: dict[str, str]) -> dict[str, object]:
        result = definitions.resolve_job_def("rebuild").execute_in_process(
            instance=instance,
            resources={"pipeline": here},
            partition_key="2026-03-31",
            tags=tags,
        )
        return {
            found.asset_key.to_user_string(): found.metadata["rows"].value
            for found in result.asset_materializations_for_node("statistics")
        }

    asked_by_the_sensor = rows_after_a_run({ATTEMPT_TAG: "1"})
    assert asked_by_the_sensor == {"hourly_statistics": 0, "daily_statistics": 0}
    assert rows_after_a_run({}) == {"hourly_statistics": 24, "daily_statistics": 1}


def test_the_check_of_waiting_readings_reads_no_other_month(engine: Engine) -> None:
    with engine.begin() as connection:
        for city in ("Oslo", "Bergen"):
            add_hours(connection, city, date(2025, 1, 1), 24 * 200)
        add_dirty_day(connection, "Oslo", date(2025, 3, 31))
        add_dirty_day(connection, "Oslo", date(2025, 3, 31))
        add_dirty_day(connection, "Bergen", date(2025, 5, 2))
        connection.execute(text("ANALYZE"))
    with engine.connect() as connection:
        found = waiting_raw_readings(connection)
        read = connection.scalar(_ROWS_READ)
    days = found.groupby("city")["timestamp"].agg(["min", "max", "count"])
    assert days.loc["Oslo", "min"] == start_of(date(2025, 3, 31))
    assert days.loc["Bergen", "max"] == start_of(date(2025, 5, 2)) + timedelta(hours=23)
    assert list(days["count"]) == [24, 24]
    assert read == 48


def test_usual_ranges_are_versions_that_the_run_tells_of(
    engine: Engine, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    with engine.begin() as connection:
        add_unresolved(connection, ["Oslo", "Bergen"])
        add_hours(connection, "Oslo", DAY, 24 * 70, qc_verdict=1)
    result = run("find_usual_ranges", pipeline(engine, tmp_path), instance)
    (found,) = result.asset_materializations_for_node("climatology")
    assert found.metadata["cities_changed"].value == 1
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT max(version) FROM climatology")) == 1
