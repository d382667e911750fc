"""The Dagster code location `citywx`: everything that is loaded, in one place."""

import dagster as dg

from citywx.settings import Settings, load_or_exit
from iot_assets.assets import (
    anomaly_models,
    predictions,
    quality_report,
    readings,
    staging,
    summaries,
    warehouse,
)
from iot_assets.checks import CHECKS
from iot_assets.jobs import JOBS
from iot_assets.partitions import utc_days
from iot_assets.resources import pipeline_from_environment
from iot_assets.schedules import (
    daily_anomaly_models,
    daily_mail,
    daily_quality_report,
    daily_upkeep,
    hourly_forecasts,
    monthly_usual_ranges,
)
from iot_assets.sensors import SENSORS


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster code-server start -m iot_assets.definitions` loads."""
    return build_definitions(load_or_exit())


def build_definitions(settings: Settings) -> dg.Definitions:
    """All assets, checks, jobs, sensors and schedules, for these settings."""
    days = utc_days(settings.history_start)
    return dg.Definitions(
        assets=[
            staging.readings_csv,
            staging.live_readings,
            staging.alerts,
            readings.raw_readings,
            readings.weather_readings_by(days),
            warehouse.statistics_by(days),
            warehouse.climatology,
            predictions.city_predictions,
            summaries.daily_summaries_by(days),
            summaries.email_summaries,
            quality_report.data_quality_report,
            anomaly_models.anomaly_models,
        ],
        asset_checks=CHECKS,
        jobs=JOBS,
        sensors=SENSORS,
        schedules=[
            hourly_forecasts,
            daily_quality_report,
            daily_upkeep,
            daily_anomaly_models,
            monthly_usual_ranges,
            daily_mail(settings),
        ],
        resources={"pipeline": pipeline_from_environment},
        # A run is one process: on two cores the multiprocess executor takes three times as long.
        executor=dg.in_process_executor,
    )
