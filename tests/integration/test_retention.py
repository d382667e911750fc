from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, insert, inspect, text
from sqlalchemy.exc import DBAPIError, OperationalError

from citywx.settings import Settings
from citywx.warehouse import retention as module
from citywx.warehouse.cities import add_unresolved
from citywx.warehouse.clean import clean_days, rules_of
from citywx.warehouse.climatology import update_climatology
from citywx.warehouse.load import load_log
from citywx.warehouse.partitions import ensure_months, make_months_ahead
from citywx.warehouse.retention import (
    CONTEXT,
    RawReadingsGoneError,
    Retention,
    Retired,
    first_day_with_raw,
    oldest_accepted,
    refuse_days_without_raw,
    retention,
    retire,
    start_of,
)
from citywx.warehouse.tables import rejected_lines
from tests.support.lock_waits import start_and_wait
from tests.support.warehouse_rows import add_dirty_day, add_hours

pytestmark = pytest.mark.integration

TODAY = date(2026, 11, 24)
APRIL = date(2026, 4, 1)
FIRST_CLEANED = date(2026, 4, 4)
"""The first day with context where raw readings are kept from April on."""


HISTORY_START = datetime(2010, 1, 1, tzinfo=UTC)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def partitions(engine: Engine, table: str) -> list[str]:
    names = inspect(engine).get_table_names()
    return sorted(name for name in names if name.startswith(f"{table}_20"))


def history(connection: Connection) -> None:
    add_hours(connection, "Oslo", date(2026, 2, 27), 24 * 65)  # to 2 May


def test_the_present_month_and_two_more_are_made_ahead_once(engine: Engine) -> None:
    with engine.begin() as connection:
        made = make_months_ahead(connection, TODAY)
    months = [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
    assert made == {"raw_readings": months, "weather_readings": months}
    assert partitions(engine, "raw_readings") == [
        "raw_readings_2026_11",
        "raw_readings_2026_12",
        "raw_readings_2027_01",
    ]
    with engine.begin() as connection:
        assert make_months_ahead(connection, TODAY) == {"raw_readings": [], "weather_readings": []}


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        (Settings(), Retention(None, None, None)),
        (Settings(retain_raw_days=24), Retention(date(2026, 10, 1), None, date(2026, 10, 31))),
        # The first of a month needs readings of the month before.
        (Settings(retain_raw_days=23), Retention(date(2026, 10, 1), None, date(2026, 11, 1))),
        (Settings(retain_raw_days=20), Retention(date(2026, 11, 1), None, date(2026, 11, 4))),
        (Settings(retain_months=11), Retention(date(2025, 12, 1), date(2025, 12, 1), None)),
        (
            Settings(retain_months=11, retain_raw_days=9999),
            Retention(date(2025, 12, 1), date(2025, 12, 1), date(1999, 7, 10)),
        ),
    ],
)
def test_what_is_kept_is_whole_months(settings: Settings, kept: Retention) -> None:
    assert retention(settings, TODAY) == kept


def test_months_are_dropped_as_tables_and_the_mark_tells_from_where_on_there_are_readings(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        history(connection)
        assert first_day_with_raw(connection) is None
    with engine.begin() as connection:
        found = retire(connection, Retention(raw=APRIL, clean=None, rejected=None))
    assert found.months == ("raw_readings_2026_02", "raw_readings_2026_03")
    assert partitions(engine, "raw_readings") == ["raw_readings_2026_04", "raw_readings_2026_05"]
    assert len(partitions(engine, "weather_readings")) == 4
    with engine.begin() as connection:
        assert first_day_with_raw(connection) == APRIL
        assert retire(connection, Retention(raw=APRIL, clean=None, rejected=None)).months == ()


def test_a_mark_never_moves_back(engine: Engine) -> None:
    with engine.begin() as connection:
        retire(connection, Retention(raw=APRIL, clean=None, rejected=None))
        retire(connection, Retention(raw=date(2026, 1, 1), clean=None, rejected=None))
        assert first_day_with_raw(connection) == APRIL


def test_a_day_that_waits_for_cleaning_holds_its_month_back(engine: Engine) -> None:
    waiting = date(2026, 3, 15)
    with engine.begin() as connection:
        history(connection)
        add_dirty_day(connection, "Oslo", waiting)
    with engine.begin() as connection:
        found = retire(connection, Retention(raw=APRIL, clean=APRIL, rejected=None))
    assert found.held_back_by == waiting
    assert partitions(engine, "raw_readings")[0] == "raw_readings_2026_03"
    assert partitions(engine, "weather_readings")[0] == "weather_readings_2026_03"


def test_a_day_whose_context_waits_for_cleaning_holds_the_month_before_back(
    engine: Engine,
) -> None:
    waiting = date(2026, 4, 3)
    with engine.begin() as connection:
        history(connection)
        add_dirty_day(connection, "Oslo", waiting)
    with engine.begin() as connection:
        found = retire(connection, Retention(raw=APRIL, clean=None, rejected=None))
    assert found.held_back_by == waiting
    assert partitions(engine, "raw_readings")[0] == "raw_readings_2026_03"


def test_days_that_need_raw_readings_that_are_gone_are_refused_by_name() -> None:
    days = [date(2026, 4, 3), FIRST_CLEANED, date(2026, 3, 30)]
    refuse_days_without_raw(days, None)
    refuse_days_without_raw([FIRST_CLEANED], APRIL)
    with pytest.raises(RawReadingsGoneError, match=r"2026-03-30 … 2026-04-03 \(2 days\)") as error:
        refuse_days_without_raw(days, APRIL)
    assert error.value.days == (date(2026, 3, 30), date(2026, 4, 3))


def test_the_days_kept_as_context_are_all_that_cleaning_looks_at() -> None:
    assert rules_of(Settings()).reach <= CONTEXT


def test_a_dropped_month_is_never_made_again_and_its_late_lines_are_too_old(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        assert oldest_accepted(connection, HISTORY_START) == HISTORY_START
        retire(connection, Retention(raw=APRIL, clean=None, rejected=None))
        assert oldest_accepted(connection, HISTORY_START) == start_of(FIRST_CLEANED)
    with engine.begin() as connection, pytest.raises(DBAPIError, match="dropped by retention"):
        ensure_months(connection, "raw_readings", [date(2026, 3, 1)])
    with engine.begin() as connection:
        ensure_months(connection, "weather_readings", [date(2026, 3, 1)])


def test_rejected_lines_go_with_the_raw_readings(engine: Engine) -> None:
    with engine.begin() as connection:
        for number, seen in enumerate((date(2026, 3, 1), TODAY)):
            connection.execute(
                insert(rejected_lines).values(
                    segment_no=1, byte_offset=number, raw=b"x", reason="no", first_seen=seen
                )
            )
        found = retire(connection, Retention(raw=APRIL, clean=None, rejected=APRIL))
        assert found.rejected_lines == 1
        assert connection.scalar(text("SELECT count(*) FROM rejected_lines")) == 1


@pytest.mark.parametrize(
    "ask", [first_day_with_raw, lambda connection: oldest_accepted(connection, HISTORY_START)]
)
def test_who_has_asked_for_the_first_day_keeps_months_from_being_dropped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Connection], object]
) -> None:
    with engine.begin() as connection:
        history(connection)
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.2)
    with engine.begin() as working:
        assert ask(working) in (None, HISTORY_START)
        with engine.begin() as other, pytest.raises(OperationalError, match="lock timeout"):
            retire(other, Retention(raw=APRIL, clean=None, rejected=None))
    with engine.begin() as other:
        assert retire(other, Retention(raw=APRIL, clean=None, rejected=None)).months


def drop_march(connection: Connection) -> Retired:
    return retire(connection, Retention(raw=APRIL, clean=APRIL, rejected=None))


def test_what_is_loaded_while_retention_waits_is_not_dropped_unseen(
    engine: Engine, pool: ThreadPoolExecutor
) -> None:
    day = date(2026, 3, 10)
    with engine.begin() as connection:
        history(connection)
    with engine.begin() as loading:
        add_hours(loading, "Bergen", day, 24)
        add_dirty_day(loading, "Bergen", day)
        dropping = start_and_wait(pool, engine, drop_march)
    assert dropping.result().held_back_by == day
    clean_days(engine, [day], settings=Settings())
    with engine.connect() as connection:
        for table in ("raw_readings", "weather_readings"):
            rows = text(f"SELECT count(*) FROM {table} WHERE city = 'Bergen'")  # noqa: S608 - ours
            assert connection.scalar(rows) == 24


def test_cleaning_that_needs_a_new_month_does_not_wait_in_a_circle_with_retention(
    engine: Engine, pool: ThreadPoolExecutor
) -> None:
    with engine.begin() as connection:
        history(connection)
    with engine.begin() as cleaning:
        first_day_with_raw(cleaning)
        dropping = start_and_wait(pool, engine, drop_march)
        june = date(2026, 6, 1)
        assert ensure_months(cleaning, "weather_readings", [june]) == [june]
    assert dropping.result().months


@pytest.mark.parametrize(
    "work",
    [
        lambda connection: make_months_ahead(connection, TODAY),
        lambda connection: update_climatology(connection, "Oslo"),
    ],
    ids=["months ahead", "climatology"],
)
def test_nobody_holds_a_lock_that_retention_takes_later(
    engine: Engine, pool: ThreadPoolExecutor, work: Callable[[Connection], object]
) -> None:
    with engine.begin() as connection:
        history(connection)
    with engine.begin() as dropping:
        dropping.execute(text("LOCK TABLE ONLY raw_readings IN ACCESS EXCLUSIVE MODE"))
        other = start_and_wait(pool, engine, work)
        assert drop_march(dropping).months
    other.result()


def test_loading_and_dropping_at_once_lose_nothing_that_is_kept(engine: Engine) -> None:
    with engine.begin() as connection:
        history(connection)

    def load(number: int) -> None:
        with engine.begin() as connection:
            add_hours(connection, f"City {number}", date(2026, 4, 10), 24)

    def drop(_: int) -> None:
        with engine.begin() as connection:
            retire(connection, Retention(raw=APRIL, clean=APRIL, rejected=None))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(load if n % 2 else drop, n) for n in range(12)]:
            done.result()
    with engine.connect() as connection:
        kept = "SELECT count(*) FROM raw_readings WHERE timestamp >= '2026-04-10'"
        assert connection.scalar(text(kept)) == 24 * 6 + 24 * 23
        oldest = connection.scalar(text("SELECT min(timestamp) FROM raw_readings"))
    assert oldest == datetime(2026, 4, 1, tzinfo=UTC)


def test_no_day_is_erased_by_cleaning_it_after_its_raw_readings_are_gone(engine: Engine) -> None:
    with engine.begin() as connection:
        add_unresolved(connection, ["Oslo"])
        history(connection)
        retire(connection, Retention(raw=APRIL, clean=None, rejected=None))
    march = [date(2026, 3, 1) + timedelta(days=number) for number in range(31)]
    before = "SELECT count(*) FROM weather_readings WHERE timestamp < '2026-04-01'"
    with engine.connect() as connection:
        rows = connection.scalar(text(before))
    with pytest.raises(RawReadingsGoneError, match="31 days"):
        clean_days(engine, [*march, FIRST_CLEANED], settings=Settings(), only_dirty=False)
    clean_days(engine, [FIRST_CLEANED], settings=Settings(), only_dirty=False)
    with engine.connect() as connection:
        assert connection.scalar(text(before)) == rows


def test_rows_after_a_dropped_month_are_not_judged_anew_without_their_context(
    engine: Engine,
) -> None:
    first = date(2026, 3, 25)
    rows = text("SELECT * FROM weather_readings WHERE timestamp < '2026-04-04' ORDER BY timestamp")
    with engine.begin() as connection:
        add_unresolved(connection, ["Oslo"])
        history(connection)
        stuck = (
            "UPDATE raw_readings SET temperature_c = 7.3 WHERE timestamp BETWEEN :first AND :last"
        )
        night = {"first": "2026-03-31T15:00Z", "last": "2026-04-01T03:00Z"}
        connection.execute(text(stuck), night)
    days = [first + timedelta(days=number) for number in range(14)]
    clean_days(engine, days, settings=Settings(), only_dirty=False)
    with engine.begin() as connection:
        before = connection.execute(rows).all()
        flags = {
            name for row in before if row.timestamp >= start_of(APRIL) for name in row.qc_flags
        }
        assert "TEMPERATURE_STUCK" in flags
        retire(connection, Retention(raw=APRIL, clean=None, rejected=None))
        add_dirty_day(connection, "Oslo", FIRST_CLEANED)
    assert clean_days(engine, [FIRST_CLEANED], settings=Settings()).windows == 1
    with engine.connect() as connection:
        assert connection.execute(rows).all() == before


def test_a_late_line_about_a_dropped_month_is_rejected_with_that_reason(
    engine: Engine, tmp_path: Path
) -> None:
    with engine.begin() as connection:
        retire(connection, Retention(raw=APRIL, clean=None, rejected=None))
    log = tmp_path / "readings.csv"
    log.write_text(
        "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"
        "2026-04-03T23:59:59Z,Oslo,1,50,1010,3,clear\n"
        "2026-04-04T00:00:00Z,Oslo,1,50,1010,3,clear\n"
    )
    found = load_log(engine, log, earliest=HISTORY_START)
    assert (found.loaded, found.rejected, found.skipped) == (1, 1, 1)
    with engine.connect() as connection:
        reason = connection.scalar(text("SELECT reason FROM rejected_lines"))
    assert reason == "timestamp 2026-04-03T23:59:59Z is before 2026-04-04"
