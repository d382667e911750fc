"""`weather_readings` → what the anomaly score in the stream judges by."""

from datetime import UTC, datetime

import dagster as dg

from citywx.warehouse import tables
from iot_assets.assets.readings import BATCH_TEAM
from iot_assets.columns import column_lineage, column_schema
from iot_assets.resources import Pipeline

_WEEKS = 4
_MOST_TIMES_STATED = 2.0
_MEASURES = ("temperature_c", "humidity", "pressure", "wind_speed")


@dg.asset(
    deps=["weather_readings"],
    group_name="alerts",
    kinds={"postgres", "numpy"},
    owners=BATCH_TEAM,
    metadata={
        "dagster/table_name": "public.anomaly_models",
        "dagster/column_schema": column_schema(tables.anomaly_models),
        "dagster/column_lineage": column_lineage(
            "weather_readings",
            {"city": ["city"], "last_timestamp": ["timestamp"], "learnt": _MEASURES},
        ),
    },
)
def anomaly_models(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[None]:
    """What is normal in each city's readings, and the score above which they are unusual.

    From a year of clean history; a city with less than a month has no model, and raises no anomaly
    alerts. The alerter takes the models from a file in the data home, without a restart; the table
    keeps those of two months.
    """
    from citywx.anomaly_file import write_models  # noqa: PLC0415 - numpy, only in a run
    from citywx.warehouse.anomaly_models import (  # noqa: PLC0415
        STATED_RATE,
        learn_from_history,
        store_models,
    )
    from citywx.weather.anomalies.model import Models  # noqa: PLC0415
    from iot_assets.markdown import table  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        learnt = learn_from_history(connection)
    models = Models(datetime.now(UTC), learnt.models, learnt.without)
    with pipeline.engine.begin() as connection:
        store_models(connection, models)
    size = write_models(pipeline.home.anomaly_models, models)
    for city, why in models.without.items():
        context.log.info("%s has no model: %s", city, why)
    header = ("city", "from", "to", "readings", "every", "threshold", "compared with")
    rows = [
        (
            name,
            f"{one.first:%Y-%m-%d}",
            f"{one.last:%Y-%m-%d}",
            one.readings,
            f"{one.normal.cadence} h",
            f"{one.threshold(STATED_RATE):.2f}",
            ", ".join(sorted({each.neighbour for each in one.normal.differences})) or "–",
        )
        for name, one in models.cities.items()
    ]
    return dg.MaterializeResult(
        metadata={
            "cities": len(models.cities),
            "without_model": dg.MetadataValue.json(dict(models.without)),
            "bytes": size,
            "calibration": dg.MetadataValue.md(table(header, rows)),
        }
    )


@dg.asset_check(asset=anomaly_models)
def anomalies_are_as_rare_as_stated(
    pipeline: dg.ResourceParam[Pipeline],
) -> dg.AssetCheckResult:
    """Over the last weeks models of before would have alarmed at most twice as often as stated."""
    from citywx.warehouse.anomaly_models import STATED_RATE, alarms_since_learnt  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        found = alarms_since_learnt(connection, datetime.now(UTC), _WEEKS)
    alarms, months = (
        (sum(column) for column in zip(*found.values(), strict=True)) if found else (0, 0.0)
    )
    rate = alarms / months if months else 0.0
    return dg.AssetCheckResult(
        passed=rate <= _MOST_TIMES_STATED * STATED_RATE,
        severity=dg.AssetCheckSeverity.WARN,
        description="" if found else "No model is a week old yet.",
        metadata={
            "alarms_a_city_and_month": rate,
            "stated": STATED_RATE,
            "cities": dg.MetadataValue.json({city: count for city, (count, _) in found.items()}),
        },
    )
