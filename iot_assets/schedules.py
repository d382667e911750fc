"""What runs by the clock."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from citywx.settings import Settings
from iot_assets import jobs
from iot_assets.upkeep import warehouse_upkeep

_FORECAST_AGE = timedelta(minutes=50)
# UTC; away from the hour, when the forecasts are due
_QUALITY_REPORT_AT = "20 3 * * *"
_UPKEEP_AT = "40 2 * * *"
_ANOMALY_MODELS_AT = "50 3 * * *"
_USUAL_RANGES_AT = "50 2 2 * *"


@dg.schedule(
    job=jobs.forecast_cities,
    cron_schedule="5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def hourly_forecasts(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Forecast hourly, unless a cleaning run has just done so."""
    return forecasts_due(context.instance, context.scheduled_execution_time)


def forecasts_due(instance: dg.DagsterInstance, moment: datetime) -> dg.RunRequest | dg.SkipReason:
    """A run, or the reason why none is needed at that moment."""
    last = instance.get_latest_materialization_event(dg.AssetKey("city_predictions"))
    if last is not None:
        made = datetime.fromtimestamp(last.timestamp, UTC)
        if moment - made < _FORECAST_AGE:
            return dg.SkipReason(f"a cleaning run made forecasts at {made:%H:%M} UTC")
    return dg.RunRequest(run_key=f"forecasts {moment:%Y-%m-%dT%H}")


daily_quality_report = dg.ScheduleDefinition(
    name="daily_quality_report",
    job=jobs.report_quality,
    cron_schedule=_QUALITY_REPORT_AT,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Write the data-quality report every night.",
)

daily_upkeep = dg.ScheduleDefinition(
    name="daily_upkeep",
    job=warehouse_upkeep,
    cron_schedule=_UPKEEP_AT,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Make months ahead and drop old ones every night.",
)

daily_anomaly_models = dg.ScheduleDefinition(
    name="daily_anomaly_models",
    job=jobs.learn_anomalies,
    cron_schedule=_ANOMALY_MODELS_AT,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Learn the cities' anomaly models every night.",
)

monthly_usual_ranges = dg.ScheduleDefinition(
    name="monthly_usual_ranges",
    job=jobs.find_usual_ranges,
    cron_schedule=_USUAL_RANGES_AT,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Find what is usual in each city, on the second night of every month.",
)


def daily_mail(settings: Settings) -> dg.ScheduleDefinition:
    """Build the schedule that mails the daily summaries at SUMMARY_TIME in TIMEZONE."""
    at = settings.summary_time
    return dg.ScheduleDefinition(
        name="daily_mail",
        job=jobs.mail_summaries,
        cron_schedule=f"{at.minute} {at.hour} * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Mail the daily summaries at {at:%H:%M} in {settings.timezone}.",
    )
