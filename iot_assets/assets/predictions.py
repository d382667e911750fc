"""`weather_readings` → `city_predictions`."""

import dagster as dg

from citywx.warehouse import tables
from citywx.warehouse.cities import known_cities
from iot_assets.assets.readings import BATCH_TEAM
from iot_assets.columns import column_lineage, column_schema
from iot_assets.resources import Pipeline


@dg.asset(
    deps=["weather_readings"],
    group_name="forecasts",
    kinds={"postgres", "numpy"},
    owners=BATCH_TEAM,
    metadata={
        "dagster/table_name": "public.city_predictions",
        "dagster/column_schema": column_schema(tables.city_predictions),
        "dagster/column_lineage": column_lineage(
            "weather_readings",
            {
                "city": ["city"],
                "issue_time": ["timestamp"],
                "target_time": ["timestamp"],
                "value": ["temperature_c", "humidity"],
                "mae": ["temperature_c", "humidity"],
            },
        ),
    },
)
def city_predictions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[None]:
    """Each city's next reading and tomorrow's mean, for temperature and humidity.

    By the linear trend (`numpy.polyfit`, degree 1, over the last 50 points; for tomorrow at most
    one an hour) and by seasonal naive (the value 24 h before), each with its mean absolute error
    over forecasts made again for the last 14 days, and the skill against seasonal naive. A city's
    issue time is its latest reading: the wall clock plays no part. A city with fewer than 50 points
    has no trend yet.
    """
    from citywx.warehouse.forecasts import forecast_history, save_forecasts  # noqa: PLC0415
    from citywx.weather.forecasting.city_forecast import forecast_city  # noqa: PLC0415
    from iot_assets.markdown import forecast_table  # noqa: PLC0415

    with pipeline.engine.begin() as connection:
        made = [
            forecast_city(forecast_history(connection, city), city)
            for city in known_cities(connection)
        ]
        forecasts = [forecast for city in made for forecast in city.forecasts]
        save_forecasts(connection, forecasts)
    collecting = {city.city: city.collecting for city in made if city.collecting}
    for city, points in collecting.items():
        context.log.info("%s is still collecting points: %s", city, points)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(forecasts),
            "cities": len({forecast.city for forecast in forecasts}),
            "collecting": dg.MetadataValue.json(collecting),
            "forecasts": dg.MetadataValue.md(forecast_table(forecasts)),
        }
    )
