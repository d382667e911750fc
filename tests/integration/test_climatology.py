from datetime import UTC, date, datetime

import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, func, select, text, update

from citywx.warehouse.climatology import (
    ClimatologyResult,
    changed_months,
    current_limits,
    update_climatology,
)
from citywx.warehouse.retention import Retention, retire
from citywx.warehouse.tables import climatology_versions, dirty_windows, weather_readings
from citywx.warehouse.watermarks import LogPlace, advance_watermark
from tests.support.warehouse_rows import add_hours

pytestmark = pytest.mark.integration

DAYS = 70
FIRST = date(2026, 2, 1)


def add_history(connection: Connection, city: str = "Oslo") -> None:
    add_hours(connection, city, FIRST, DAYS * 24, qc_verdict=1)
    advance_watermark(connection, "loaded_through", LogPlace(1, 500))


def test_a_city_gets_limits_where_there_are_sixty_days_about_a_month(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        made = update_climatology(connection, "Oslo")
        limits = current_limits(connection, "Oslo")
        version = connection.execute(select(climatology_versions)).mappings().one()
    assert made.version == 1
    assert (
        set(limits["month"]) == set(made.months) == {3}
    )  # February and April see 59 days or fewer
    assert set(limits["measure"]) == {"temperature_c"}
    assert (limits["low"] < 0).all()
    assert (limits["high"] > 23).all()
    assert (version["first_day"], version["last_day"]) == (FIRST, date(2026, 4, 11))


def test_a_new_version_makes_the_days_of_its_months_dirty_as_loading_would(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        made = update_climatology(connection, "Oslo")
        windows = connection.execute(select(dirty_windows).order_by("day")).mappings().all()
    assert made.dirty_days == len(windows) == 31
    first = windows[0]
    assert (first["city"], first["day"]) == ("Oslo", date(2026, 3, 1))
    assert first["first_timestamp"] == datetime(2026, 3, 1, tzinfo=UTC)
    assert first["last_timestamp"] == datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert (first["segment_no"], first["byte_offset"]) == (1, 500)


def test_the_same_history_makes_no_new_version(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        update_climatology(connection, "Oslo")
    with engine.begin() as connection:
        assert update_climatology(connection, "Oslo") == ClimatologyResult(version=1)
        assert connection.scalar(select(func.count()).select_from(climatology_versions)) == 1


def test_values_that_are_doubted_or_filled_in_are_not_what_is_usual(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        update_climatology(connection, "Oslo")
        for hour, values in enumerate(
            (
                {"qc_verdict": 3, "qc_flags": ["TEMPERATURE_STEP"]},
                {"qc_verdict": 4, "qc_flags": ["TEMPERATURE_RANGE"]},
                {"qc_verdict": 2},
                {"imputed": ["temperature_c"]},
            )
        ):
            connection.execute(
                update(weather_readings)
                .where(func.extract("hour", weather_readings.c.timestamp) == hour)
                .values(temperature_c=90.0, **values)
            )
        unchanged = update_climatology(connection, "Oslo")
        assert unchanged.version == 2  # warmer nights are missing, and nothing is at 90
        assert current_limits(connection, "Oslo")["high"].max() < 40


def test_what_only_the_limits_themselves_doubt_counts_on(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        connection.execute(
            update(weather_readings)
            .where(func.extract("hour", weather_readings.c.timestamp) > 20)
            .values(qc_verdict=3, qc_flags=["TEMPERATURE_CLIMATE"])
        )
        update_climatology(connection, "Oslo")
        assert current_limits(connection, "Oslo")["high"].min() > 23


def test_days_whose_raw_readings_are_gone_do_not_become_dirty(engine: Engine) -> None:
    april = date(2026, 4, 1)
    with engine.begin() as connection:
        add_history(connection)
    with engine.begin() as connection:
        retire(connection, Retention(raw=april, clean=None, rejected=None))
    with engine.begin() as connection:
        assert update_climatology(connection, "Oslo") == ClimatologyResult(1, (3,), dirty_days=0)


def test_a_city_without_history_has_version_0_and_no_limits(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO cities (name) VALUES ('Oslo')"))
        assert update_climatology(connection, "Oslo") == ClimatologyResult(version=0)
        assert current_limits(connection, "Oslo").empty


def limits(*rows: tuple[int, str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["month", "measure", "low", "high"])


def test_limits_that_move_by_noise_are_the_same_limits() -> None:
    before = limits((1, "humidity", 20.0, 90.0), (2, "humidity", 20.0, 90.0))
    assert changed_months(before, before) == ()
    assert changed_months(before, limits((1, "humidity", 20.4, 90.0))) == (2,)
    moved = limits((1, "humidity", 20.4, 90.6), (2, "humidity", 20.0, 90.0))
    assert changed_months(before, moved) == (1,)
    assert changed_months(limits(), before) == (1, 2)
