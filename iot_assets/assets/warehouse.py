"""What surrounds the readings in the warehouse: their statistics, and what is usual in a city."""

from collections.abc import Iterator

import dagster as dg
from sqlalchemy import Table

from citywx.warehouse import tables
from citywx.warehouse.cities import known_cities
from citywx.warehouse.statistics import StatisticsResult, count_rows, update_days
from iot_assets.assets.readings import ATTEMPT_TAG, BATCH_TEAM
from iot_assets.columns import column_lineage, column_schema
from iot_assets.partitions import BACKFILL, days_of
from iot_assets.resources import Pipeline

_MEASURES = ("temperature_c", "humidity", "pressure", "wind_speed")


def statistics_by(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """Build the assets `hourly_statistics` and `daily_statistics`, partitioned by these days."""

    @dg.multi_asset(
        name="statistics",
        specs=[_spec_of(table) for table in (tables.hourly_statistics, tables.daily_statistics)],
        partitions_def=days,
        backfill_policy=BACKFILL,
    )
    def statistics(
        context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> Iterator[dg.MaterializeResult[None]]:
        wanted = days_of(context.partition_keys)
        found = StatisticsResult()
        if ATTEMPT_TAG not in context.run.tags:  # else cleaning has just written what is new
            found = update_days(pipeline.engine, wanted)
        with pipeline.engine.connect() as connection:
            rows = count_rows(connection, wanted[0], wanted[-1])
        for name, count in rows.items():
            yield dg.MaterializeResult(
                asset_key=name,
                metadata={
                    "rows": count,
                    "rows_written_to_both": found.written,
                    "rows_removed_from_both": found.removed,
                },
            )

    return statistics


def _spec_of(table: Table) -> dg.AssetSpec:
    step = "hour" if table is tables.hourly_statistics else "day"
    lineage = {
        f"{measure}_{word}": [measure]
        for measure in _MEASURES
        for word in ("min", "max", "mean", "count")
    }
    return dg.AssetSpec(
        table.name,
        deps=["weather_readings"],
        description=f"Minimum, maximum, mean and count of each measure by UTC {step} and city, of "
        "values that did not fail quality control. Kept for ever. Cleaning writes them with its "
        "rows, and a run that the sensor asks for only counts them; any other makes its days anew, "
        "and writes only what differs.",
        group_name="readings",
        kinds={"postgres"},
        owners=BATCH_TEAM,
        metadata={
            "dagster/table_name": f"public.{table.name}",
            "dagster/column_schema": column_schema(table),
            "dagster/column_lineage": column_lineage("weather_readings", lineage),
        },
    )


@dg.asset(
    deps=["weather_readings"],
    group_name="readings",
    kinds={"postgres", "pandas"},
    owners=BATCH_TEAM,
    metadata={
        "dagster/table_name": "public.climatology",
        "dagster/column_schema": column_schema(tables.climatology),
        "dagster/column_lineage": column_lineage(
            "weather_readings",
            {"low": _MEASURES, "high": _MEASURES, "city": ["city"], "month": ["timestamp"]},
        ),
    },
)
def climatology(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[None]:
    """What is usual in each city, by calendar month: soft limits from its own history.

    Versioned: where a limit has moved, the city gets a new version, and the days of the months that
    it judges anew become dirty, so that the next runs clean them again.
    """
    from citywx.warehouse.climatology import update_climatology  # noqa: PLC0415 - pandas
    from iot_assets.markdown import table  # noqa: PLC0415

    made = {}
    with pipeline.engine.connect() as connection:
        names = [city.name for city in known_cities(connection)]
    for name in names:
        with pipeline.engine.begin() as connection:
            made[name] = update_climatology(
                connection, name, history_start=pipeline.settings.history_start.date()
            )
    rows = [
        (name, str(each.version), ", ".join(map(str, each.months)) or "–", str(each.dirty_days))
        for name, each in made.items()
    ]
    context.log.info("%d cities have new limits", sum(bool(each.months) for each in made.values()))
    return dg.MaterializeResult(
        metadata={
            "cities_changed": sum(bool(each.months) for each in made.values()),
            "dirty_days": sum(each.dirty_days for each in made.values()),
            "versions": dg.MetadataValue.md(
                table(["city", "version", "months changed", "days to clean"], rows)
            ),
        }
    )
