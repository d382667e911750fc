from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, delete, select, text, update

from citywx.warehouse.cities import add_unresolved
from citywx.warehouse.retention import Retention, retire
from citywx.warehouse.statistics import StatisticsResult, update_days, update_statistics
from citywx.warehouse.tables import daily_statistics, hourly_statistics, weather_readings
from tests.support.lock_waits import start_and_wait
from tests.support.warehouse_rows import add_hours

pytestmark = pytest.mark.integration

DAY = date(2026, 3, 31)
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def day_row(connection: Connection, day: date = DAY) -> dict[str, object]:
    row = connection.execute(select(daily_statistics).where(daily_statistics.c.day == day))
    return dict(row.mappings().one())


def test_hours_and_days_of_a_span_are_what_the_readings_say(engine: Engine) -> None:
    with engine.begin() as connection:
        moments = add_hours(connection, "Oslo", DAY, 30)
        result = update_statistics(connection, "Oslo", moments[0], moments[-1])
        assert result == StatisticsResult(written=32, removed=0)
        found = day_row(connection)
        assert found["temperature_c_min"] == 0
        assert found["temperature_c_max"] == 23
        assert found["temperature_c_mean"] == 11.5
        assert found["temperature_c_count"] == found["readings"] == 24
        assert found["humidity_count"] == 0
        assert found["humidity_mean"] is None


def test_a_second_time_nothing_is_written(engine: Engine) -> None:
    with engine.begin() as connection:
        moments = add_hours(connection, "Oslo", DAY, 30)
        update_statistics(connection, "Oslo", moments[0], moments[-1])
        assert update_statistics(connection, "Oslo", moments[0], moments[-1]) == StatisticsResult()


def test_a_changed_reading_changes_its_hour_and_its_day_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        moments = add_hours(connection, "Oslo", DAY, 48)
        add_hours(connection, "Bergen", DAY, 24)
        update_statistics(connection, "Oslo", moments[0], moments[-1])
        connection.execute(
            update(weather_readings)
            .where(weather_readings.c.city == "Oslo", weather_readings.c.timestamp == NOON)
            .values(temperature_c=40)
        )
        found = update_statistics(connection, "Oslo", NOON, NOON + timedelta(minutes=1))
        assert found == StatisticsResult(written=2)
        assert day_row(connection)["temperature_c_max"] == 40
        others = select(hourly_statistics).where(hourly_statistics.c.city == "Bergen")
        assert connection.execute(others).all() == []


def test_an_hour_without_readings_has_no_statistics(engine: Engine) -> None:
    with engine.begin() as connection:
        moments = add_hours(connection, "Oslo", DAY, 24)
        update_statistics(connection, "Oslo", moments[0], moments[-1])
        connection.execute(delete(weather_readings).where(weather_readings.c.timestamp >= NOON))
        found = update_statistics(connection, "Oslo", NOON, moments[-1])
        assert found == StatisticsResult(written=1, removed=12)
        connection.execute(delete(weather_readings))
        found = update_statistics(connection, "Oslo", moments[0], moments[-1])
        assert found == StatisticsResult(written=0, removed=13)


def test_what_failed_counts_as_failed_and_not_as_a_value(engine: Engine) -> None:
    with engine.begin() as connection:
        moments = add_hours(connection, "Oslo", DAY, 24, humidity=50.0)
        failed = {"qc_verdict": 4, "qc_flags": ["TEMPERATURE_RANGE"]}
        for hour, values in ((0, failed), (1, failed | {"qc_flags": []}), (2, {"qc_verdict": 3})):
            connection.execute(
                update(weather_readings)
                .where(weather_readings.c.timestamp == moments[hour])
                .values(values)
            )
        update_statistics(connection, "Oslo", moments[0], moments[-1])
        found = day_row(connection)
        assert (found["readings"], found["failed"], found["suspect"]) == (24, 2, 1)
        assert found["temperature_c_count"] == 23
        assert found["temperature_c_min"] == 1
        assert found["humidity_count"] == 24


def test_statistics_outlive_the_readings_that_retention_dropped(engine: Engine) -> None:
    with engine.begin() as connection:
        moments = add_hours(connection, "Oslo", DAY, 48)
        update_statistics(connection, "Oslo", moments[0], moments[-1])
    april = date(2026, 4, 1)
    with engine.begin() as connection:
        retire(connection, Retention(raw=april, clean=april, rejected=None))
    with engine.begin() as connection:
        assert update_statistics(connection, "Oslo", moments[0], moments[-1]) == StatisticsResult()
        assert day_row(connection)["readings"] == 24
        assert connection.scalar(text("SELECT count(*) FROM hourly_statistics")) == 48


def test_statistics_made_anew_while_their_readings_are_dropped_stay(engine: Engine) -> None:
    april = date(2026, 4, 1)
    with engine.begin() as connection:
        add_unresolved(connection, ["Oslo"])
        add_hours(connection, "Oslo", DAY, 48)
    assert update_days(engine, [DAY]).written == 25
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as dropping:
            retire(dropping, Retention(raw=april, clean=april, rejected=None))
            again = start_and_wait(pool, engine, lambda _: update_days(engine, [DAY]))
        assert again.result() == StatisticsResult()
    with engine.connect() as connection:
        assert day_row(connection)["readings"] == 24
