"""`weather_readings` → `daily_summaries` → `email_summaries`."""

from datetime import UTC, datetime

import dagster as dg

from citywx.warehouse import tables
from citywx.warehouse.cities import known_cities
from iot_assets.assets.readings import BATCH_TEAM
from iot_assets.columns import column_lineage, column_schema
from iot_assets.partitions import BACKFILL, days_of
from iot_assets.resources import Pipeline

_ORIGINS = {
    "temperature_mean": ["temperature_c"],
    "temperature_min": ["temperature_c"],
    "temperature_max": ["temperature_c"],
    "humidity_mean": ["humidity"],
    "pressure_mean": ["pressure"],
    "wind_mean": ["wind_speed"],
    "wind_max": ["wind_speed"],
    "weather": ["weather"],
    "advice": ["temperature_c", "humidity", "wind_speed", "weather"],
}


def daily_summaries_by(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """Build the asset `daily_summaries`, partitioned by these days."""

    @dg.asset(
        name="daily_summaries",
        deps=["weather_readings"],
        partitions_def=days,
        backfill_policy=BACKFILL,
        group_name="summaries",
        kinds={"postgres", "pandas"},
        owners=BATCH_TEAM,
        metadata={
            "dagster/table_name": "public.daily_summaries",
            "dagster/column_schema": column_schema(tables.daily_summaries),
            "dagster/column_lineage": column_lineage("weather_readings", _ORIGINS),
        },
    )
    def daily_summaries(
        context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> dg.MaterializeResult[None]:
        """Morning, Evening and the whole of each city's local day, with advice.

        A partition is a UTC day; a run summarises, whole, the local days that share a moment with
        its partitions. Running again replaces the same rows.
        """
        from citywx.warehouse.summaries import (  # noqa: PLC0415 - pandas, only in a run
            local_days,
            readings_of_days,
            save_summaries,
        )
        from citywx.weather.summaries import summarise_periods  # noqa: PLC0415

        wanted = days_of(context.partition_keys)
        summaries = []
        with pipeline.engine.begin() as connection:
            for city in known_cities(connection):
                dates = local_days(city, wanted)
                readings = readings_of_days(connection, city, dates)
                seen = set(readings["timestamp"].dt.tz_convert(city.zone).dt.date)
                for local_date in sorted(seen.intersection(dates)):
                    summaries += summarise_periods(readings, city, local_date)
            save_summaries(connection, summaries)
        return dg.MaterializeResult(
            metadata={
                "rows_written": len(summaries),
                "cities": len({summary.city for summary in summaries}),
                "local_days": len({summary.local_date for summary in summaries}),
            }
        )

    return daily_summaries


@dg.asset(
    deps=["daily_summaries", "city_predictions"],
    group_name="summaries",
    kinds={"email"},
    owners=BATCH_TEAM,
)
def email_summaries(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[None]:
    """The daily mail to each confirmed subscriber: Morning, Evening and Current of their cities.

    A ledger holds who got which day's summary, so that running twice sends nothing twice.
    """
    from citywx.mail.daily import send_daily_summaries  # noqa: PLC0415 - only in a run

    run = send_daily_summaries(
        pipeline.engine, pipeline.settings, pipeline.home, now=datetime.now(UTC)
    )
    context.log.info("%s", run)
    if run.problem:
        message = f"mails wait, and the notifier will try again: {run.problem}"
        raise dg.Failure(message)
    return dg.MaterializeResult(
        metadata={
            "local_date": str(run.local_date),
            "subscribers": run.subscribers,
            "sent": run.sent,
            "states": dg.MetadataValue.json(dict(run.states)),
        }
    )
