"""The asset that learns anomaly models: from the clean history to a file, a table and a check."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from sqlalchemy import Engine, insert, select, text

from citywx.anomaly_file import ModelFile
from citywx.home import Home
from citywx.settings import Settings
from citywx.warehouse import tables
from citywx.warehouse.anomaly_models import alarms_since_learnt, learn_from_history, store_models
from citywx.warehouse.cities import add_unresolved, save_city
from citywx.warehouse.partitions import ensure_months, month_start
from citywx.weather.anomalies.model import Models
from citywx.weather.city import City
from iot_assets.assets.anomaly_models import anomalies_are_as_rare_as_stated
from iot_assets.definitions import build_definitions
from iot_assets.resources import Pipeline
from tests.support.hourly_weather import BEGIN, Floats, hourly_weather, readings_of

pytestmark = pytest.mark.integration


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def add_history(
    engine: Engine, city: str, values: Floats, table: str = "weather_readings", **columns: object
) -> None:
    readings = readings_of(values, city)
    place = {"segment_no": 1, "byte_offset": 0} if table == "raw_readings" else {}
    rows = [
        {
            "timestamp": reading.timestamp,
            "city": city,
            "temperature_c": reading.temperature_c,
            "humidity": reading.humidity,
            "pressure": reading.pressure,
            "wind_speed": reading.wind_speed,
            "source": "csv",
            **place,
            **columns,
        }
        for reading in readings
    ]
    with engine.begin() as connection:
        add_unresolved(connection, [city])
        ensure_months(connection, table, {month_start(row["timestamp"].date()) for row in rows})
        connection.execute(insert(tables.metadata.tables[table]), rows)


def run(pipeline: Pipeline, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    definitions = build_definitions(pipeline.settings)
    return definitions.resolve_job_def("learn_anomalies").execute_in_process(
        instance=instance, resources={"pipeline": pipeline}
    )


def pipeline_in(folder: Path, engine: Engine) -> Pipeline:
    settings = Settings(data_dir=folder, home_name="test")
    return Pipeline(settings, Home.named(settings, "test"), engine)


def test_models_reach_the_file_the_table_and_the_page(
    engine: Engine, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    add_history(engine, "Oslo", hourly_weather(45))
    add_history(engine, "Bergen", hourly_weather(5))
    pipeline = pipeline_in(tmp_path, engine)
    result = run(pipeline, instance)
    assert result.success
    models = ModelFile(pipeline.home.anomaly_models).poll()
    assert models is not None
    assert models.cities.keys() == {"Oslo"}
    assert "5 days" in models.without["Bergen"]
    (made,) = result.asset_materializations_for_node("anomaly_models")
    assert "Oslo" in str(made.metadata["calibration"].value)
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    with engine.connect() as connection:
        row = connection.execute(select(tables.anomaly_models)).one()
    assert (row.city, row.readings, row.cadence_hours) == ("Oslo", 45 * 24, 1)
    assert row.threshold == models.cities["Oslo"].threshold(1.0)


def test_values_that_failed_or_were_filled_in_are_not_learnt_from(engine: Engine) -> None:
    weather = hourly_weather(45)
    add_history(engine, "Oslo", weather)
    wrong = np.array([90.0, 50.0, 1000.0, 3.0])
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE weather_readings SET temperature_c = 90, "
                "qc_flags = '{TEMPERATURE_FAHRENHEIT}' WHERE extract(hour FROM timestamp) = 3"
            )
        )
        connection.execute(
            text(
                "UPDATE weather_readings SET humidity = 0, imputed = '{humidity}' "
                "WHERE extract(hour FROM timestamp) = 4"
            )
        )
    with engine.connect() as connection:
        temperature, humidity, *_ = learn_from_history(connection).models["Oslo"].normal.measures
    assert max(temperature.usual) < wrong[0] / 2
    assert min(humidity.usual) > 20


def test_near_cities_and_other_sources_are_compared(engine: Engine) -> None:
    weather = hourly_weather(45)
    rng = np.random.default_rng(4)
    for name, longitude in (("Oslo", 10.75), ("Drammen", 10.2), ("Bergen", 5.3)):
        near = weather + rng.normal(0, (0.5, 3, 0.5, 1), weather.shape)
        add_history(engine, name, hourly_weather(45, 7) if name == "Bergen" else near)
        with engine.begin() as connection:
            save_city(connection, City(name, "NO", 59.9, longitude, "Europe/Oslo", 10.0))
    other = hourly_weather(45, 7) + rng.normal(0, (0.5, 3, 0.5, 1), weather.shape)
    add_history(engine, "Bergen", other, "raw_readings", source="second")
    add_history(engine, "Bergen", hourly_weather(45, 7), "raw_readings", source="csv")
    with engine.connect() as connection:
        models = learn_from_history(connection).models
    neighbours = {
        name: {one.neighbour for one in model.normal.differences} for name, model in models.items()
    }
    assert neighbours == {
        "Oslo": {"Drammen"},
        "Drammen": {"Oslo"},
        "Bergen": {"Bergen (second)"},
    }


def test_models_are_held_to_their_word_on_what_they_did_not_know(
    engine: Engine, tmp_path: Path
) -> None:
    weather = hourly_weather(75)
    add_history(engine, "Oslo", weather[: 45 * 24])
    with engine.begin() as connection:
        models = Models(BEGIN + timedelta(days=45), learn_from_history(connection).models)
        store_models(connection, models)
        assert alarms_since_learnt(connection, BEGIN + timedelta(days=45), 4) == {}
    after = weather.copy()
    for day in range(48, 74, 5):
        after[day * 24 : day * 24 + 5, 0] += 14
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM weather_readings"))
    add_history(engine, "Oslo", after)
    with engine.connect() as connection:
        alarms, months = alarms_since_learnt(connection, BEGIN + timedelta(days=75), 4)["Oslo"]
    assert alarms >= 4
    assert months == pytest.approx(1.0, abs=0.05)
    assert not anomalies_are_as_rare_as_stated(pipeline_in(tmp_path, engine)).passed


def test_old_models_are_dropped(engine: Engine) -> None:
    add_history(engine, "Oslo", hourly_weather(40))
    with engine.begin() as connection:
        learnt = learn_from_history(connection).models
        for made_at in (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)):
            store_models(connection, Models(made_at, learnt))
        made = connection.execute(select(tables.anomaly_models.c.made_at)).scalars().all()
    assert [each.date() for each in made] == [date(2026, 6, 1)]
