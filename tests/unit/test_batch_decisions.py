"""Which runs the batch layer asks for, and that everything is wired."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from citywx.settings import Settings
from citywx.staging.position import Position
from iot_assets.backlog import Asked, Backlog, DayRange, Wait, Work, day_ranges, decide
from iot_assets.checks import CHECKS
from iot_assets.definitions import build_definitions
from iot_assets.jobs import JOBS
from iot_assets.markdown import table
from iot_assets.schedules import forecasts_due
from iot_assets.sensors import SENSORS, read_cursor, run_requests, write_cursor

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = NOW.date()


def backlog(*, lines: int = 1, unread: set[date] | None = None, dirty: set[date] | None = None,
            offset: int = 100) -> Backlog:  # fmt: skip
    return Backlog(
        Position("000001-abc", offset),
        lines,
        frozenset({TODAY} if unread is None else unread),
        frozenset(dirty or set()),
        7,
    )


def ask(work: Backlog, asked: Asked | None = None, *, failed: bool = False) -> Work | Wait:
    return decide(work, asked or Asked(), failed=failed, now=NOW, batch_seconds=30)


def test_new_readings_are_asked_for_with_the_days_that_they_touch() -> None:
    answer = ask(backlog())

    assert isinstance(answer, Work)
    assert answer.ranges == (DayRange(TODAY, TODAY),)


def test_without_work_nothing_is_asked_for() -> None:
    answer = ask(backlog(lines=0, unread=set()))

    assert answer == Wait("every line is loaded and every day is clean")


def test_at_most_one_batch_in_batch_seconds() -> None:
    answer = ask(backlog(), Asked("000001-abc@1+x", 1, NOW - timedelta(seconds=29)))

    assert isinstance(answer, Wait)
    assert "one batch in 30 s" in answer.reason


def test_ninety_past_days_are_one_run() -> None:
    past = {date(2013, 3, 1) + timedelta(days=n) for n in range(90)}

    answer = ask(backlog(lines=0, unread=set(), dirty=past))

    assert isinstance(answer, Work)
    assert answer.ranges == (DayRange(date(2013, 3, 1), date(2013, 5, 29)),)


def test_days_far_apart_are_ranges_of_their_own_newest_first() -> None:
    ranges = day_ranges([date(2026, 3, 1), date(2026, 3, 20), date(2026, 3, 3)])

    assert ranges == (
        DayRange(date(2026, 3, 20), date(2026, 3, 20)),
        DayRange(date(2026, 3, 1), date(2026, 3, 3)),
    )


def test_no_range_is_longer_than_a_year() -> None:
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(1000)]

    ranges = day_ranges(days)

    assert all((span.last - span.first).days < 366 for span in ranges)
    covered = sum((span.last - span.first).days + 1 for span in ranges)
    assert covered == 1000


def test_failed_work_is_asked_for_again_as_another_attempt() -> None:
    work = backlog()
    first = ask(work)
    assert isinstance(first, Work)
    asked = Asked(first.asked.content, 1, NOW - timedelta(minutes=2))

    second = ask(work, asked, failed=True)

    assert isinstance(second, Work)
    assert second.asked.attempt == 2
    keys = {request.run_key for answer in (first, second) for request in run_requests(answer)}
    assert len(keys) == 2


def test_pauses_between_attempts_double_up_to_fifteen_minutes() -> None:
    work = backlog()
    for attempt, pause in ((1, 60), (2, 120), (9, 900)):
        asked = Asked(work.content, attempt, NOW - timedelta(seconds=pause - 1))
        assert isinstance(ask(work, asked, failed=True), Wait)
        asked = Asked(work.content, attempt, NOW - timedelta(seconds=pause))
        assert isinstance(ask(work, asked, failed=True), Work)


def test_progress_begins_again_at_the_first_attempt() -> None:
    asked = Asked(backlog(offset=50).content, 4, NOW - timedelta(minutes=1))

    answer = ask(backlog(offset=100), asked)

    assert isinstance(answer, Work)
    assert answer.asked.attempt == 1


def test_lines_that_touch_no_day_are_only_loaded() -> None:
    answer = ask(backlog(unread=set()))

    assert isinstance(answer, Work)
    assert [request.job_name for request in run_requests(answer)] == ["load_readings"]


def test_the_cursor_is_read_back_and_a_foreign_one_is_no_harm() -> None:
    asked = Asked("000001-abc@100+x", 3, NOW)

    assert read_cursor(write_cursor(asked)) == asked
    for foreign in (None, "", "17", "{}", "not json", '{"content": 1}'):
        assert read_cursor(foreign) == Asked()


def test_hourly_forecasts_run_unless_some_were_just_made() -> None:
    now = datetime.now(UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        assert isinstance(forecasts_due(instance, now), dg.RunRequest)

        instance.report_runless_asset_event(dg.AssetMaterialization("city_predictions"))

        assert isinstance(forecasts_due(instance, now), dg.SkipReason)
        assert isinstance(forecasts_due(instance, now + timedelta(hours=1)), dg.RunRequest)


@pytest.fixture
def definitions(tmp_path: Path) -> dg.Definitions:
    return build_definitions(
        Settings(data_dir=tmp_path, summary_time="06:45", timezone="Africa/Cairo")
    )


def test_everything_that_is_written_is_loaded(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assets = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}

    assert assets == {
        *("readings_csv", "live_readings", "alerts", "raw_readings", "weather_readings"),
        *("city_predictions", "daily_summaries", "email_summaries", "data_quality_report"),
        *("hourly_statistics", "daily_statistics", "climatology", "anomaly_models"),
    }
    assert repository.asset_graph.asset_check_keys == {
        key for check in CHECKS for key in check.check_keys
    }
    assert {sensor.name for sensor in repository.sensor_defs} >= {s.name for s in SENSORS}
    assert {job.name for job in JOBS} <= set(repository.job_names)


def test_every_asset_says_what_it_is_and_whose(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.owners, spec.key
        assert spec.kinds, spec.key
        assert spec.group_name not in {None, "default"}, spec.key


def test_sensors_and_schedules_run_from_the_start(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()

    assert {s.default_status for s in SENSORS} == {dg.DefaultSensorStatus.RUNNING}
    running = {s.name: s.default_status for s in repository.schedule_defs}
    assert set(running.values()) == {dg.DefaultScheduleStatus.RUNNING}
    assert set(running) == {
        *("hourly_forecasts", "daily_quality_report", "daily_mail"),
        *("daily_upkeep", "monthly_usual_ranges", "daily_anomaly_models"),
    }


def test_the_daily_mail_keeps_to_the_wall_clock_of_its_zone(definitions: dg.Definitions) -> None:
    schedule = definitions.get_repository_def().get_schedule_def("daily_mail")

    assert (schedule.cron_schedule, schedule.execution_timezone) == ("45 6 * * *", "Africa/Cairo")


def test_partitions_reach_from_history_start_to_tomorrow(definitions: dg.Definitions) -> None:
    days = definitions.get_repository_def().asset_graph.get(dg.AssetKey("weather_readings"))
    assert days.partitions_def is not None
    keys = days.partitions_def.get_partition_keys()

    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert (keys[0], keys[-1]) == ("2010-01-01", tomorrow.isoformat())


def test_text_from_outside_cannot_leave_its_cell() -> None:
    assert table(["row"], [["a|b\n<img>"]]).splitlines()[-1] == "| a\\|b &lt;img> |"
