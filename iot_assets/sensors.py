"""When runs are asked for because something happened."""

import json
from datetime import UTC, datetime

import dagster as dg

from citywx.log_output import Redactor
from citywx.mail.operator import send_operator_mail
from iot_assets import jobs
from iot_assets.assets.quality_report import report_path
from iot_assets.assets.readings import ATTEMPT_TAG
from iot_assets.backlog import Asked, DayRange, Wait, Work, decide, look
from iot_assets.resources import Pipeline

_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_LOADING = (jobs.process_readings.name, jobs.load_readings.name)


@dg.sensor(
    jobs=[jobs.process_readings, jobs.load_readings],
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def new_readings(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.SensorResult | dg.SkipReason:
    """Ask for a run where the log holds unread lines, or days were loaded and not cleaned.

    One run loads and cleans the days at hand; past days become a few range runs. Nothing is asked
    for while such a run is queued or running, nor oftener than every BATCH_SECONDS. The cursor is
    a hint: what has to be done stands in PostgreSQL, so failed runs are asked for again.
    """
    busy = _unfinished_run(context.instance)
    if busy is not None:
        return dg.SkipReason(f"run {busy.run_id[:8]} of {busy.job_name} is {busy.status.value}")
    asked = read_cursor(context.cursor)
    now = datetime.now(UTC)
    answer = decide(
        look(pipeline, now),
        asked,
        failed=_last_run_failed(context.instance),
        now=now,
        batch_seconds=pipeline.settings.batch_seconds,
    )
    if isinstance(answer, Wait):
        return dg.SkipReason(answer.reason)
    return dg.SensorResult(run_requests=run_requests(answer), cursor=write_cursor(answer.asked))


def run_requests(work: Work) -> list[dg.RunRequest]:
    """One request a range; the key holds the content's identity and the attempt."""
    key = f"{work.asked.content}#{work.asked.attempt}"
    tags = {ATTEMPT_TAG: str(work.asked.attempt)}
    if not work.ranges:
        return [dg.RunRequest(run_key=key, job_name=jobs.load_readings.name, tags=tags)]
    return [
        dg.RunRequest(
            run_key=f"{key}:{days.first}",
            job_name=jobs.process_readings.name,
            tags=tags | _range_tags(days),
        )
        for days in work.ranges
    ]


def read_cursor(cursor: str | None) -> Asked:
    """What was last asked for; nothing where the cursor is missing or from another version."""
    try:
        stored = json.loads(cursor or "{}")
        return Asked(stored["content"], stored["attempt"], datetime.fromisoformat(stored["at"]))
    except (ValueError, KeyError, TypeError):
        return Asked()


def write_cursor(asked: Asked) -> str:
    """The cursor that `read_cursor` reads back."""
    return json.dumps(
        {"content": asked.content, "attempt": asked.attempt, "at": asked.at.isoformat()}
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[jobs.process_readings],
    request_job=jobs.report_quality,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def first_report(
    context: dg.RunStatusSensorContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.RunRequest | dg.SkipReason:
    """Write the quality report after the first load; later the daily schedule renews it."""
    if report_path(pipeline.home).exists():
        return dg.SkipReason("the report exists: the daily schedule renews it")
    return dg.RunRequest(run_key=f"first report after {context.dagster_run.run_id}")


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING)
def mail_failures(
    context: dg.RunFailureSensorContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.SkipReason | None:
    """Mail ALERT_EMAIL when a run fails; of repeated attempts the 1st, 2nd, 4th, 8th and so on."""
    run = context.dagster_run
    attempt = int(run.tags.get(ATTEMPT_TAG, "1"))
    if pipeline.settings.alert_email is None:
        return dg.SkipReason("ALERT_EMAIL is not set")
    if attempt.bit_count() > 1:
        return dg.SkipReason(f"attempt {attempt} of the same work: mailed before")
    redact = Redactor.of(pipeline.settings)
    page = f"{pipeline.settings.dagster_url or ''}/runs/{run.run_id}"
    body = f"Run {run.run_id} of {run.job_name} failed.\n\n{page}\n\n{_error_text(context)}"
    send_operator_mail(pipeline.settings, pipeline.home, f"{run.job_name} failed", redact(body))
    return None


def _error_text(context: dg.RunFailureSensorContext) -> str:
    steps = (event.step_failure_data.error for event in context.get_step_failure_events())
    errors = [error.to_string() for error in steps if error is not None]
    return "\n\n".join(errors) or context.failure_event.message or "no reason given"


def _range_tags(days: DayRange) -> dict[str, str]:
    return {_RANGE_START: days.first.isoformat(), _RANGE_END: days.last.isoformat()}


def _unfinished_run(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    for name in _LOADING:
        runs = instance.get_runs(dg.RunsFilter(job_name=name, statuses=_UNFINISHED), limit=1)
        if runs:
            return runs[0]
    return None


def _last_run_failed(instance: dg.DagsterInstance) -> bool:
    last = instance.get_runs(dg.RunsFilter(job_name=jobs.process_readings.name), limit=1)
    return bool(last) and last[0].status is not dg.DagsterRunStatus.SUCCESS


SENSORS = (new_readings, first_report, mail_failures)
