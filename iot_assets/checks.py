"""What must hold of each asset, and what is worth a warning.

A blocking check that fails stops the run before anything is made of the asset. What a valid row
is stands in `citywx.weather.schemas`; the queries in `iot_assets.check_queries`, which is imported
where a check runs, because pandas would slow the start of the code server.
"""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from citywx.home import HomeKind
from iot_assets.assets.anomaly_models import anomalies_are_as_rare_as_stated
from iot_assets.assets.predictions import city_predictions
from iot_assets.assets.readings import raw_readings
from iot_assets.partitions import days_of
from iot_assets.resources import Pipeline
from iot_assets.trend_checks import TREND_CHECKS

if TYPE_CHECKING:
    from citywx.weather.schemas import FailureReport

_RECENT = timedelta(days=1)
_MOST_REJECTED = 0.05
"""Share of the last day's lines."""
_LATE_POLLS = 3
_REPORTING_DELAY = timedelta(hours=1)
"""How old a weather service's newest observation may be when it is new."""


@dg.asset_check(asset=raw_readings, blocking=True)
def raw_readings_match_schema(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """Rows that wait for cleaning have their types, their key, and finite numbers."""
    from citywx.weather.schemas import RawReadings, failure_cases  # noqa: PLC0415
    from iot_assets.check_queries import waiting_raw_readings  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        return schema_result(failure_cases(RawReadings, waiting_raw_readings(connection)))


@dg.asset_check(asset=raw_readings, blocking=True)
def every_line_is_accounted_for(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """The last day's lines = loaded + duplicates + corrected + rejected + skipped."""
    from iot_assets.check_queries import accounts  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        counts = accounts(connection, datetime.now(UTC) - _RECENT)
    became = sum(count for name, count in counts.items() if name != "lines")
    return dg.AssetCheckResult(passed=counts["lines"] == became, metadata=counts)


@dg.asset_check(asset=raw_readings)
def readings_arrive_and_are_readable(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """In the last day something was loaded, and at most 5 % of the lines were rejected."""
    from iot_assets.check_queries import accounts  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        counts = accounts(connection, datetime.now(UTC) - _RECENT)
    share = counts["rejected"] / counts["lines"] if counts["lines"] else 0.0
    return dg.AssetCheckResult(
        passed=counts["lines"] > 0 and share <= _MOST_REJECTED,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**counts, "rejected_share": share},
    )


# Not partitioned: Dagster's partitioned checks are a preview, and leave the days of a range run
# unjudged. The failing days stand in the result.
@dg.asset_check(asset="weather_readings", blocking=True)
def weather_readings_match_schema(
    context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.AssetCheckResult:
    """Keys are unique, flags known, and flags, words and imputed values agree with the values.

    Doubtful weather passes: it is flagged. What fails here is a fault of the pipeline.
    """
    reports = _validate_days(pipeline, _days(context))
    failing = [day.isoformat() for day, report in reports.items() if not report.passed]
    metadata = failure_metadata(*reports.values())
    metadata["failing_days"] = dg.MetadataValue.text(", ".join(failing))
    return dg.AssetCheckResult(passed=not failing, metadata=metadata)


@dg.asset_check(asset="weather_readings")
def every_reading_is_cleaned(
    context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.AssetCheckResult:
    """Every observation that is loaded for the run's days stands in the clean history.

    Only a warning: readings may have come in since the run began.
    """
    from iot_assets.check_queries import days_between, uncleaned  # noqa: PLC0415

    first, last = days_between(_days(context))
    with pipeline.engine.connect() as connection:
        missing = uncleaned(connection, first, last)
    return dg.AssetCheckResult(
        passed=missing == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"missing": missing, "first_day": str(first), "last_day": str(last)},
    )


@dg.asset_check(asset="weather_readings")
def weather_readings_are_fresh(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """No city's latest reading is older than three polls and the services' usual delay."""
    from iot_assets.check_queries import latest_readings  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        latest = latest_readings(connection)
    if pipeline.home.kind is HomeKind.REPLAY:
        return dg.AssetCheckResult(passed=True, description="A replay: its readings are of old.")
    oldest = datetime.now(UTC) - (
        _LATE_POLLS * timedelta(seconds=pipeline.settings.poll_seconds) + _REPORTING_DELAY
    )
    late = {city: str(moment) for city, moment in latest.items() if moment < oldest}
    return dg.AssetCheckResult(
        passed=bool(latest) and not late,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"cities": len(latest), "late": dg.MetadataValue.json(late)},
    )


@dg.asset_check(asset="daily_summaries", blocking=True)
def daily_summaries_match_schema(
    context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.AssetCheckResult:
    """One row per city, local day and period, whose mean lies between minimum and maximum."""
    from citywx.weather.schemas import DailySummaries, failure_cases  # noqa: PLC0415
    from iot_assets.check_queries import days_between, summaries_between  # noqa: PLC0415

    first, last = days_between(_days(context))
    with pipeline.engine.connect() as connection:
        frame = summaries_between(connection, first, last)
    return schema_result(failure_cases(DailySummaries, frame))


@dg.asset_check(asset=city_predictions, blocking=True)
def city_predictions_match_schema(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """The newest forecasts lie ahead of their issue, and errors are no less than 0."""
    from citywx.weather.schemas import CityPredictions, failure_cases  # noqa: PLC0415
    from iot_assets.check_queries import newest_forecasts  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        return schema_result(failure_cases(CityPredictions, newest_forecasts(connection)))


def schema_result(*reports: "FailureReport") -> dg.AssetCheckResult:
    """Passed, or the number of failures with a sample of them as a table."""
    return dg.AssetCheckResult(
        passed=all(report.passed for report in reports), metadata=failure_metadata(*reports)
    )


def failure_metadata(*reports: "FailureReport") -> dict[str, dg.MetadataValue]:
    """Rows, failures, and a sample of the failures, bounded over all reports."""
    from iot_assets.markdown import table  # noqa: PLC0415

    header = ("check", "column", "value", "row")
    sample = [case for report in reports for case in report.sample][:_SAMPLE]
    metadata: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(sum(report.rows for report in reports)),
        "failures": dg.MetadataValue.int(sum(report.count for report in reports)),
    }
    if sample:
        rows = [[case[name][:_LONGEST_CELL] for name in header] for case in sample]
        metadata["sample"] = dg.MetadataValue.md(table(header, rows))
    return metadata


_SAMPLE = 20
_LONGEST_CELL = 300


def _validate_days(pipeline: Pipeline, wanted: list[date]) -> dict[date, "FailureReport"]:
    from citywx.weather.schemas import WeatherReadings, failure_cases  # noqa: PLC0415
    from iot_assets.check_queries import cleaned_readings  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        return {
            day: failure_cases(WeatherReadings, cleaned_readings(connection, day, day))
            for day in wanted
        }


def _days(context: dg.AssetCheckExecutionContext) -> list[date]:
    """The days of the run, for a check that has no partitions itself."""
    tags = context.run.tags
    single = tags.get("dagster/partition")
    first = tags.get("dagster/asset_partition_range_start", single)
    last = tags.get("dagster/asset_partition_range_end", single)
    today = datetime.now(UTC).date().isoformat()
    first_day, last_day = days_of([first or today, last or today])
    return [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]


CHECKS = (
    raw_readings_match_schema,
    every_line_is_accounted_for,
    readings_arrive_and_are_readable,
    weather_readings_match_schema,
    every_reading_is_cleaned,
    weather_readings_are_fresh,
    daily_summaries_match_schema,
    city_predictions_match_schema,
    anomalies_are_as_rare_as_stated,
    *TREND_CHECKS,
)
