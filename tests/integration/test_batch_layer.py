"""The batch layer on a real database: log → tables, checks, forecasts and report."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, text

from citywx.home import Home
from citywx.settings import Settings
from citywx.weather.reading import Reading, to_csv_line
from iot_assets.backlog import Asked, Work, decide, look
from iot_assets.definitions import build_definitions
from iot_assets.report.queries import quality_report
from iot_assets.resources import Pipeline
from iot_assets.sensors import mail_failures, new_readings
from iot_assets.trend_checks import TREND_CHECKS

pytestmark = pytest.mark.integration

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = 72


@dataclass(slots=True)
class Batch:
    """A pipeline with its definitions and an instance of its own."""

    pipeline: Pipeline
    definitions: dg.Definitions
    instance: dg.DagsterInstance

    def run(
        self, job: str, first: date, last: date, *, raise_on_error: bool = True
    ) -> dg.ExecuteInProcessResult:
        tags = {
            "dagster/asset_partition_range_start": first.isoformat(),
            "dagster/asset_partition_range_end": last.isoformat(),
        }
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            resources={"pipeline": self.pipeline},
            tags=tags if job == "process_readings" else None,
            raise_on_error=raise_on_error,
        )

    def count(self, query: str) -> int:
        with self.pipeline.engine.connect() as connection:
            return int(connection.execute(text(query)).scalar_one())


@pytest.fixture
def batch(engine: Engine, tmp_path: Path) -> Iterator[Batch]:
    settings = Settings(data_dir=tmp_path, home_name="test")
    home = Home.named(settings, "test")
    home.path.mkdir()
    write_log(home)
    logging.getLogger("dagster").setLevel(logging.ERROR)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Batch(Pipeline(settings, home, engine), build_definitions(settings), instance)


def write_log(home: Home) -> None:
    home.readings_csv.parent.mkdir(parents=True)
    with home.readings_csv.open("wb") as log:
        for hour in range(HOURS):
            moment = FIRST + timedelta(hours=hour)
            log.write(to_csv_line(Reading(moment, "Oslo", 10 + hour % 24, 50, 1010, 3, "rain")))
            log.write(to_csv_line(Reading(moment, "Cairo", 20.0, 30, 1012, 2, "sky is clear")))
        log.write(b"yesterday,Oslo,1,2,3,4,<script>alert(1)</script>,csv,\n")


def test_one_run_takes_the_log_to_forecasts_and_summaries(batch: Batch) -> None:
    result = batch.run("process_readings", date(2026, 3, 1), date(2026, 3, 3))

    assert result.success
    assert batch.count("SELECT count(*) FROM raw_readings") == 2 * HOURS
    assert batch.count("SELECT count(*) FROM weather_readings") == 2 * HOURS
    assert batch.count("SELECT count(*) FROM rejected_lines") == 1
    assert batch.count("SELECT count(*) FROM dirty_windows") == 0
    assert batch.count("SELECT count(DISTINCT city) FROM city_predictions") == 2
    assert batch.count("SELECT count(*) FROM daily_summaries WHERE period = 'day'") == 6
    days = {event.partition for event in result.asset_materializations_for_node("weather_readings")}
    assert days == {"2026-03-01", "2026-03-02", "2026-03-03"}


def test_the_same_run_again_changes_nothing(batch: Batch) -> None:
    days = (date(2026, 3, 1), date(2026, 3, 3))
    batch.run("process_readings", *days)
    rows = "SELECT sum(hashtext(t::text)::bigint) FROM {} AS t"
    tables = ("raw_readings", "weather_readings")
    before = [batch.count(rows.format(table)) for table in tables]

    batch.run("process_readings", *days)

    assert [batch.count(rows.format(table)) for table in tables] == before


def test_a_bad_row_fails_the_blocking_check_and_nothing_is_made_of_it(batch: Batch) -> None:
    batch.run("process_readings", date(2026, 3, 1), date(2026, 3, 3))
    with batch.pipeline.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE weather_readings SET qc_flags = '{NO_SUCH_FLAG}'"
                " WHERE city = 'Oslo' AND timestamp = '2026-03-02T05:00Z'"
            )
        )
        connection.execute(text("DELETE FROM city_predictions"))

    checks = dg.AssetSelection.checks_for_assets("weather_readings")
    job = dg.define_asset_job("judge", checks | dg.AssetSelection.assets("city_predictions"))
    definitions = dg.Definitions.merge(batch.definitions, dg.Definitions(jobs=[job]))
    result = definitions.resolve_job_def("judge").execute_in_process(
        instance=batch.instance,
        resources={"pipeline": batch.pipeline},
        tags={
            "dagster/asset_partition_range_start": "2026-03-01",
            "dagster/asset_partition_range_end": "2026-03-03",
        },
        raise_on_error=False,
    )

    blocking = dg.AssetCheckSeverity.ERROR
    evaluations = result.get_asset_check_evaluations()
    failed = [e for e in evaluations if not e.passed and e.severity is blocking]
    assert not result.success
    assert [e.check_name for e in failed] == ["weather_readings_match_schema"]
    assert failed[0].metadata["failing_days"].value == "2026-03-02"
    assert failed[0].metadata["failures"].value >= 1
    assert "flags_are_known" in str(failed[0].metadata["sample"].value)
    assert batch.count("SELECT count(*) FROM city_predictions") == 0


def test_the_report_accounts_for_every_line_and_escapes_what_came_in(batch: Batch) -> None:
    batch.run("process_readings", date(2026, 3, 1), date(2026, 3, 3))

    result = batch.run("report_quality", date(2026, 3, 1), date(2026, 3, 3))

    assert result.success
    page = (batch.pipeline.home.reports / "data-quality.html").read_text("utf-8")
    assert "lines = loaded + duplicates" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "weather_readings_match_schema" in page


def test_trends_are_judged_with_the_report_which_shows_them_as_warnings(batch: Batch) -> None:
    processed = batch.run("process_readings", date(2026, 3, 1), date(2026, 3, 3))
    with batch.pipeline.engine.begin() as connection:
        connection.execute(text("CREATE TABLE raw_readings_1999_01 ()"))

    reported = batch.run("report_quality", date(2026, 3, 1), date(2026, 3, 3))

    trends = {key.name for check in TREND_CHECKS for key in check.check_keys}
    assert not trends & {e.check_name for e in processed.get_asset_check_evaluations()}
    assert trends == {e.check_name for e in reported.get_asset_check_evaluations()}
    page = (batch.pipeline.home.reports / "data-quality.html").read_text("utf-8")
    row = page.split("months_are_where_they_belong", 1)[1].split("</tr>", 1)[0]
    assert "warns" in row
    assert "✗ failed" in row
    assert "stops what depends on it" in page.split("raw_readings_match_schema", 1)[1]


def test_the_report_shows_the_newest_line_of_each_reason(batch: Batch) -> None:
    with batch.pipeline.home.readings_csv.open("ab") as log:
        log.write(b"2026-03-01T00:00:00Z,,1,2,3,4,rain,csv,\n")
        log.write(b"tomorrow,Oslo,1,2,3,4,rain,csv,\n")
    batch.run("load_readings", date(2026, 3, 1), date(2026, 3, 1))
    with batch.pipeline.engine.connect() as connection:
        report = quality_report(connection, batch.pipeline.home, (), now=datetime.now(UTC))
    assert [facts.lines for facts in report.rejected] == [2, 1]
    assert report.rejected[0].sample == "tomorrow,Oslo,1,2,3,4,rain,csv,"
    content = batch.pipeline.home.readings_csv.read_bytes()
    assert content[report.rejected[0].line.offset :].startswith(b"tomorrow,")


def test_a_check_that_is_running_stands_in_the_report_as_it_last_ended(batch: Batch) -> None:
    batch.run("process_readings", date(2026, 3, 1), date(2026, 3, 3))
    job = batch.definitions.resolve_job_def("load_readings")
    batch.instance.create_run_for_job(job)  # its checks are planned, and have not run

    batch.run("report_quality", date(2026, 3, 1), date(2026, 3, 3))

    page = (batch.pipeline.home.reports / "data-quality.html").read_text("utf-8")
    row = page.split("raw_readings_match_schema", 1)[1].split("</tr>", 1)[0]
    assert "✓ passed" in row


def test_the_backlog_is_every_unread_day_and_then_nothing(batch: Batch) -> None:
    now = datetime.now(UTC)
    backlog = look(batch.pipeline, now)
    assert backlog.unread_days == {date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)}
    work = decide(backlog, Asked(), failed=False, now=now, batch_seconds=30)
    assert isinstance(work, Work)
    assert len(work.ranges) == 1

    batch.run("process_readings", work.ranges[0].first, work.ranges[0].last)

    after = look(batch.pipeline, now)
    assert not after.unread_days
    assert not after.unread_lines
    assert not after.dirty_days


def test_loaded_days_that_nobody_cleaned_are_asked_for(batch: Batch) -> None:
    batch.run("load_readings", date(2026, 3, 1), date(2026, 3, 1))
    assert batch.count("SELECT count(*) FROM dirty_windows") > 0

    assert look(batch.pipeline, datetime.now(UTC)).dirty_days == {
        date(2026, 3, 1),
        date(2026, 3, 2),
        date(2026, 3, 3),
    }


def test_the_sensor_asks_once_and_says_why_it_waits(batch: Batch) -> None:
    context = dg.build_sensor_context(instance=batch.instance)
    first = new_readings(context, pipeline=batch.pipeline)
    assert isinstance(first, dg.SensorResult)
    assert first.run_requests is not None
    assert [request.job_name for request in first.run_requests] == ["process_readings"]

    again = dg.build_sensor_context(instance=batch.instance, cursor=first.cursor)
    second = new_readings(again, pipeline=batch.pipeline)

    assert isinstance(second, dg.SkipReason)
    assert "not before" in (second.skip_message or "")


def test_the_daily_mail_run_succeeds_with_nobody_subscribed(batch: Batch) -> None:
    result = batch.run("mail_summaries", date(2026, 3, 1), date(2026, 3, 1))

    assert result.success
    event = result.asset_materializations_for_node("email_summaries")[0]
    assert event.metadata["sent"].value == 0


def test_a_failed_run_is_mailed_to_the_operator(batch: Batch) -> None:
    with batch.pipeline.engine.begin() as connection:
        connection.execute(text("DROP TABLE dirty_windows CASCADE"))
    failed = batch.run("load_readings", date(2026, 3, 1), date(2026, 3, 1), raise_on_error=False)
    assert not failed.success
    settings = batch.pipeline.settings.model_copy(update={"alert_email": "ops@example.org"})
    context = dg.build_run_status_sensor_context(
        sensor_name="mail_failures",
        dagster_instance=batch.instance,
        dagster_run=failed.dagster_run,
        dagster_event=failed.get_run_failure_event(),
    ).for_run_failure()

    mail_failures(context, pipeline=replace(batch.pipeline, settings=settings))

    mails = list(batch.pipeline.home.mail.rglob("*.eml"))
    assert len(mails) == 1
    assert b"load_readings failed" in mails[0].read_bytes()
