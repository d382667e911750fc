"""The jobs: what one run makes, with its checks. A run costs a process, so they are few."""

import dagster as dg

from iot_assets.trend_checks import TREND_CHECKS
from iot_assets.upkeep import warehouse_upkeep

_STATISTICS = ("hourly_statistics", "daily_statistics")
_PROCESSED = (
    *("raw_readings", "weather_readings", *_STATISTICS, "daily_summaries", "city_predictions"),
)

# About whole days, so once a day is enough: with the report that shows them.
_TRENDS = dg.AssetSelection.checks(*TREND_CHECKS)


def _with_checks(*assets: str) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*assets) | dg.AssetSelection.checks_for_assets(*assets)


load_readings = dg.define_asset_job(
    "load_readings",
    selection=_with_checks("raw_readings"),
    description="Load what the log holds; for lines that touch no day, such as rejected ones.",
)

process_readings = dg.define_asset_job(
    "process_readings",
    selection=_with_checks(*_PROCESSED) - _TRENDS,
    description="Log to forecasts in one run: load, clean the run's days, summarise, forecast.",
)

forecast_cities = dg.define_asset_job(
    "forecast_cities",
    selection=_with_checks("city_predictions"),
    description="Forecast every city from the history as it stands.",
)

mail_summaries = dg.define_asset_job(
    "mail_summaries",
    selection=_with_checks("email_summaries"),
    description="Mail every subscriber the daily summary, once.",
)

report_quality = dg.define_asset_job(
    "report_quality",
    selection=_with_checks("data_quality_report") | _TRENDS,
    description="Compare the last whole day with those before, and write the data-quality report.",
)

find_usual_ranges = dg.define_asset_job(
    "find_usual_ranges",
    selection=_with_checks("climatology"),
    description="Find what is usual in each city; where that has moved, days are cleaned again.",
)

learn_anomalies = dg.define_asset_job(
    "learn_anomalies",
    selection=_with_checks("anomaly_models"),
    description="Learn each city's anomaly model anew from its clean history.",
)

JOBS = (
    *(load_readings, process_readings, forecast_cities, mail_summaries, report_quality),
    *(find_usual_ranges, learn_anomalies, warehouse_upkeep),
)
