from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from sqlalchemy import Connection, Engine, delete, func, select, text, update

from citywx.warehouse.climatology import (
    ClimatologyResult,
    changed_months,
    current_climatology,
    update_climatology,
)
from citywx.warehouse.retention import Retention, retire
from citywx.warehouse.tables import (
    climatology,
    climatology_versions,
    dirty_windows,
    weather_readings,
)
from citywx.warehouse.watermarks import LogPlace, advance_watermark
from citywx.weather.climatology import HOURS, MONTHS, Climatology
from tests.support.warehouse_rows import add_hours

pytestmark = pytest.mark.integration

DAYS = 70
FIRST = date(2026, 2, 1)


def add_history(connection: Connection, city: str = "Oslo") -> None:
    add_hours(connection, city, FIRST, DAYS * 24, qc_verdict=1)
    advance_watermark(connection, "loaded_through", LogPlace(1, 500))


def limits(connection: Connection, city: str = "Oslo") -> dict[int, tuple[float, float]]:
    """Low and high of temperature by calendar month, as cleaning reads them."""
    found = current_climatology(connection, city)
    assert found is not None
    low, high = found.low["temperature_c"], found.high["temperature_c"]
    return {n + 1: (low[n], high[n]) for n in range(MONTHS) if not np.isnan(low[n])}


def test_a_city_gets_limits_where_there_are_sixty_days_about_a_month(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        made = update_climatology(connection, "Oslo")
        found = limits(connection)
        version = connection.execute(select(climatology_versions)).mappings().one()
        stored = connection.execute(select(climatology)).mappings().one()
    assert made.version == 1
    assert set(found) == {3}  # February and April see 59 days or fewer
    low, high = found[3]
    assert low < 0
    assert high > 23
    assert (version["first_day"], version["last_day"]) == (FIRST, date(2026, 4, 11))
    assert (stored["month"], stored["measure"], stored["readings"]) == (
        *(3, "temperature_c"),
        31 * 24,
    )
    assert (stored["low"], stored["high"]) == (low, high)


def test_a_new_version_makes_the_days_of_its_months_dirty_as_loading_would(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        made = update_climatology(connection, "Oslo")
        windows = connection.execute(select(dirty_windows).order_by("day")).mappings().all()
    assert made.months == (1, 2, 3, 4, 5)  # changes are usual in them, limits in March alone
    assert made.dirty_days == len(windows) == DAYS
    first = windows[0]
    assert (first["city"], first["day"]) == ("Oslo", FIRST)
    assert first["first_timestamp"] == datetime(2026, 2, 1, tzinfo=UTC)
    assert first["last_timestamp"] == datetime(2026, 2, 1, 23, tzinfo=UTC)
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
        update_climatology(connection, "Oslo")
        assert limits(connection)[3][1] < 40  # nothing is at 90


def test_what_only_the_limits_themselves_doubt_counts_on(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        connection.execute(
            update(weather_readings)
            .where(func.extract("hour", weather_readings.c.timestamp) > 20)
            .values(qc_verdict=3, qc_flags=["TEMPERATURE_CLIMATE"])
        )
        update_climatology(connection, "Oslo")
        assert limits(connection)[3][1] > 23 + 5


def test_days_whose_raw_readings_are_gone_do_not_become_dirty(engine: Engine) -> None:
    april = date(2026, 4, 1)
    with engine.begin() as connection:
        add_history(connection)
    with engine.begin() as connection:
        retire(connection, Retention(raw=april, clean=None, rejected=None))
    with engine.begin() as connection:
        made = update_climatology(connection, "Oslo")
        assert (made.version, made.dirty_days) == (1, 8)  # 4 to 11 April: three days are context


def test_days_before_the_start_of_history_do_not_become_dirty(engine: Engine) -> None:
    with engine.begin() as connection:
        add_history(connection)
        made = update_climatology(connection, "Oslo", history_start=date(2026, 4, 10))
        assert (made.version, made.dirty_days) == (1, 2)


@pytest.mark.parametrize("kept", [date(2026, 4, 1), date(2026, 5, 1)], ids=["some", "none"])
def test_what_is_usual_stays_known_when_retention_has_dropped_its_history(
    engine: Engine, kept: date
) -> None:
    with engine.begin() as connection:
        add_history(connection)
        update_climatology(connection, "Oslo")
        before = limits(connection)
        connection.execute(delete(dirty_windows))
    with engine.begin() as connection:
        assert retire(connection, Retention(raw=kept, clean=kept, rejected=None)).months
    with engine.begin() as connection:
        update_climatology(connection, "Oslo")
        assert limits(connection) == before


def test_a_city_without_history_has_version_0_and_no_limits(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO cities (name) VALUES ('Oslo')"))
        assert update_climatology(connection, "Oslo") == ClimatologyResult(version=0)
        assert current_climatology(connection, "Oslo") is None


def usual(high: float, roughness: float = 1.0) -> Climatology:
    """The same in every month, but nothing known in December."""
    unknown = Climatology.unknown()
    highs, changes = np.full(MONTHS, high), np.full((MONTHS, HOURS), roughness)
    highs[-1], changes[-1] = np.nan, np.nan
    return replace(
        unknown,
        high=unknown.high | {"pressure": highs},
        roughness=unknown.roughness | {"humidity": changes},
    )


def test_what_moves_by_noise_stays_the_same() -> None:
    months = tuple(range(1, 12))
    assert changed_months(usual(1040.0), usual(1040.4, 1.1)) == ()
    assert changed_months(usual(1040.0), usual(1040.6)) == months
    assert changed_months(usual(1040.0), usual(1040.0, 1.3)) == months
    assert changed_months(Climatology.unknown(), usual(1040.0)) == months
    assert changed_months(usual(1040.0), Climatology.unknown()) == months
