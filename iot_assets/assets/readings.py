"""The log → `raw_readings` → `weather_readings`: what came in, and what it is worth."""

from functools import partial

import dagster as dg
from sqlalchemy import func, select

from citywx.compute import executor
from citywx.warehouse import tables
from citywx.warehouse.load import load_log
from iot_assets.assets.staging import readings_csv
from iot_assets.columns import column_lineage, column_schema
from iot_assets.partitions import BACKFILL, days_of
from iot_assets.resources import Pipeline

ATTEMPT_TAG = "citywx/attempt"
"""Which attempt a run is; only the sensor sets it, so other runs make their days anew, whole."""

BATCH_TEAM = ["team:batch"]
_MEASURED = ("timestamp", "city", "temperature_c", "humidity", "pressure", "wind_speed", "weather")


@dg.asset(
    deps=[readings_csv],
    group_name="readings",
    kinds={"postgres", "python"},
    owners=BATCH_TEAM,
    metadata={
        "dagster/table_name": "public.raw_readings",
        "dagster/column_schema": column_schema(tables.raw_readings),
        "dagster/column_lineage": column_lineage(
            "readings_csv", {name: [name] for name in (*_MEASURED, "source", "fetched_at")}
        ),
    },
)
def raw_readings(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[None]:
    """Every reading as it came, each exactly once: `(source, city, timestamp)`.

    Reads the log on from the stored position to its present end, so that a run costs as much as
    there is new. Readings, rejected lines, accounting and position commit together: a run may be
    killed, repeated, or overlap another. Lines that cannot be read are kept in `rejected_lines`
    with their reason.
    """
    result = load_log(
        pipeline.engine,
        pipeline.home.readings_csv,
        earliest=pipeline.settings.history_start,
        run_id=context.run.run_id,
        hint=pipeline.home.state / "positions" / "loader.json",
    )
    context.log.info("%d lines, %d of them new readings", result.lines, result.loaded)
    with pipeline.engine.connect() as connection:
        total = connection.execute(select(func.sum(tables.ingest_batches.c.loaded))).scalar()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": int(total or 0),
            "lines": result.lines,
            "loaded": result.loaded,
            "duplicates": result.duplicates,
            "corrected": result.corrected,
            "rejected": result.rejected,
            "skipped": result.skipped,
            "bytes": result.bytes,
            "days_touched": len(result.days),
        }
    )


def weather_readings_by(days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """Build the asset `weather_readings`, partitioned by these days."""

    @dg.asset(
        name="weather_readings",
        deps=[raw_readings],
        partitions_def=days,
        backfill_policy=BACKFILL,
        group_name="readings",
        kinds={"postgres", "pandas", "pandera"},
        owners=BATCH_TEAM,
        metadata={
            "dagster/table_name": "public.weather_readings",
            "dagster/column_schema": column_schema(tables.weather_readings),
            "dagster/column_lineage": column_lineage(
                "raw_readings",
                {name: [name] for name in (*_MEASURED, "source")}
                | {
                    "mod_high_temp": ["temperature_c"],
                    "low_temp": ["temperature_c"],
                    "temp_message": ["temperature_c"],
                    "qc_flags": ["temperature_c", "humidity", "pressure", "wind_speed"],
                    "imputed": ["temperature_c", "humidity", "pressure", "wind_speed"],
                },
            ),
        },
    )
    def weather_readings(
        context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> dg.MaterializeResult[None]:
        """The clean history: one row per city and moment, flagged, never deleted.

        Takes the best source's reading, interpolates short gaps and says where, raises quality
        flags, and adds `mod_high_temp`, `low_temp` and `temp_message`. Partitions are UTC days of
        observation time; a run cleans the windows that loading has noted in its days.
        """
        from citywx.warehouse.clean_parallel import (  # noqa: PLC0415 - pandas, only in a run
            clean_days_on,
        )
        from iot_assets.check_queries import readings_by_day  # noqa: PLC0415
        from iot_assets.markdown import bar_plot  # noqa: PLC0415

        wanted = days_of(context.partition_keys)
        asked_by_sensor = ATTEMPT_TAG in context.run.tags
        result = clean_days_on(
            partial(executor, pipeline.settings),
            pipeline.engine,
            wanted,
            settings=pipeline.settings,
            only_dirty=asked_by_sensor,
        )
        with pipeline.engine.connect() as connection:
            rows = readings_by_day(connection, wanted)
        for day, count in rows.items():
            context.add_asset_metadata(
                {"dagster/partition_row_count": count}, partition_key=day.isoformat()
            )
        metadata: dict[str, int | dg.MetadataValue] = {
            "windows_cleared": result.windows,
            "rows_computed": result.rows,
            "rows_written": result.written,
            "rows_removed": result.removed,
        }
        if len(wanted) > 1:  # every run of a day in progress would leave a picture in the event log
            metadata["rows_per_day"] = dg.MetadataValue.md(bar_plot(rows, "readings a day"))
        return dg.MaterializeResult(metadata=metadata)

    return weather_readings
