import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from citywx.staging.position import load_checkpoint
from citywx.warehouse.load import LoadResult, _Loader, load_log, utc_now

pytestmark = pytest.mark.integration

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
HEADER = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"
START = datetime(2020, 3, 1, tzinfo=UTC)
SMALL_BATCH = 32 * 1024  # the least that a tail reads at once

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
BAD_FILES = sorted((SHARED / "bad").glob("*.csv"))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "readings.csv"


def line(hour: int, temperature: float = 10.0, city: str = "Oslo") -> str:
    moment = START + timedelta(hours=hour)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ},{city},{temperature},50,1010,3,clear\n"


def many_lines(count: int) -> str:
    return "".join(line(number // 4, 10, f"City {number % 4}") for number in range(count))


def load(engine: Engine, log: Path, **options: int) -> LoadResult:
    return load_log(engine, log, earliest=EARLIEST, **options)


def counts(result: LoadResult) -> tuple[int, ...]:
    return (
        result.loaded,
        result.duplicates,
        result.corrected,
        result.rejected,
        result.skipped,
    )


def scalar(engine: Engine, query: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def raw_rows(engine: Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT * FROM raw_readings ORDER BY source, city, timestamp")


def test_lines_are_loaded_once_and_days_that_changed_are_noted(engine: Engine, log: Path) -> None:
    log.write_text(HEADER + line(0) + line(1) + line(25))
    first = load(engine, log)
    assert (first.lines, first.bytes) == (4, log.stat().st_size)
    assert counts(first) == (3, 0, 0, 0, 1)
    assert first.days == {START.date(), START.date() + timedelta(days=1)}
    assert load(engine, log) == LoadResult()
    assert rows(engine, "SELECT city, day::text FROM dirty_windows ORDER BY day") == [
        ("Oslo", "2020-03-01"),
        ("Oslo", "2020-03-02"),
    ]
    assert rows(engine, "SELECT name, resolved FROM cities") == [("Oslo", False)]
    with log.open("a") as file:
        file.write(line(26) + "2020-03-02T03")
    assert counts(load(engine, log)) == (1, 0, 0, 0, 0)


def test_a_value_arrives_to_its_last_digit_and_a_missing_one_as_null(
    engine: Engine, log: Path
) -> None:
    log.write_text(HEADER + '2026-03-01T00:00:00+01:00,"A\\b, ""c""",0.1,NaN,,1e-5,\\N\n')
    load(engine, log)
    query = "SELECT city, timestamp::text, temperature_c, humidity, wind_speed, weather"
    assert rows(engine, query + " FROM raw_readings") == [
        ('A\\b, "c"', "2026-02-28 23:00:00+00", 0.1, None, 1e-5, "\\N")
    ]


def test_the_same_again_is_a_duplicate_and_something_else_a_correction(
    engine: Engine, log: Path
) -> None:
    log.write_text(HEADER + line(0) + line(0) + line(0, 11) + line(0, 11) + line(1))
    assert counts(load(engine, log)) == (2, 2, 1, 0, 1)
    with log.open("a") as file:
        file.write(line(0, 11) + line(0, 12) + line(0, 11) + line(1))
    assert counts(load(engine, log)) == (0, 2, 2, 0, 0)
    assert rows(engine, "SELECT temperature_c FROM raw_readings ORDER BY timestamp") == [
        (11.0,),
        (10.0,),
    ]


@pytest.mark.parametrize("batch_bytes", [SMALL_BATCH, 3 << 20])
def test_reading_again_after_the_position_was_lost_changes_nothing(
    engine: Engine, log: Path, batch_bytes: int
) -> None:
    log.write_text(HEADER + line(0) + line(1) + many_lines(3000) + line(0, 11) + "junk\n")
    load(engine, log, batch_bytes=batch_bytes)
    before = raw_rows(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM ingest_position"))
        connection.execute(text("DELETE FROM dirty_windows"))
    assert counts(load(engine, log, batch_bytes=batch_bytes)) == (0, 3003, 0, 1, 1)
    assert raw_rows(engine) == before
    assert scalar(engine, "SELECT count(*) FROM dirty_windows") == 0
    assert scalar(engine, "SELECT count(*) FROM rejected_lines") == 1


def test_every_line_is_accounted_for_and_rejected_ones_are_kept(engine: Engine, log: Path) -> None:
    future = datetime.now(UTC) + timedelta(minutes=6)
    soon = datetime.now(UTC) + timedelta(minutes=4)
    log.write_bytes(
        (HEADER + line(0) + "\n" + line(0)).encode()
        + b"2026-03-01T00:00:00Z,Os\x00lo,1,2,3,4,fog\n"
        + b"x" * 20_000
        + b"\n"
        + b"y" * 5_000
        + b"\n2009-12-31T23:59:59Z,Oslo,1,2,3,4,fog\n1772323200,Oslo,1,2,3,4,fog\n"
        + f"{future:%Y-%m-%dT%H:%M:%SZ},Oslo,1,2,3,4,fog\n".encode()
        + f"{soon:%Y-%m-%dT%H:%M:%SZ},Oslo,1,2,3,4,fog\n".encode()
    )
    result = load_log(engine, log, earliest=EARLIEST, run_id="run 1")
    assert counts(result) == (2, 1, 0, 6, 2)
    kept = rows(engine, "SELECT byte_offset, raw, reason FROM rejected_lines ORDER BY byte_offset")
    whole = log.read_bytes()
    for offset, raw, reason in kept:
        assert bytes(raw) == whole[offset:].split(b"\n")[0][:4096]
        assert reason
    assert rows(engine, "SELECT run_id, lines, loaded, rejected FROM ingest_batches") == [
        ("run 1", 11, 2, 6)
    ]


if BAD_FILES:  # collected where the recorded data lies beside the project

    @pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.stem)
    def test_a_bad_file_gives_its_expected_counts(engine: Engine, path: Path) -> None:
        expected = json.loads((SHARED / "bad" / "expected.json").read_text())[path.name]
        result = load(engine, path)
        assert (result.loaded, result.rejected) == (expected["accept"], expected["reject"])
        assert scalar(engine, "SELECT count(*) FROM raw_readings") == expected["accept"]
        assert scalar(engine, "SELECT count(*) FROM rejected_lines") == expected["reject"]


def test_a_log_in_several_segments_is_read_in_order(engine: Engine, log: Path) -> None:
    log.with_name("readings-000001.csv").write_text(HEADER + line(0, 1) + line(1, 1))
    log.with_name("readings-000002.csv").write_text(HEADER + line(1, 2) + line(2, 2))
    log.write_text(HEADER + line(2, 3))
    hint = log.with_name("loader.json")
    result = load_log(engine, log, earliest=EARLIEST, hint=hint)
    assert counts(result) == (3, 0, 2, 0, 3)
    assert rows(engine, "SELECT temperature_c FROM raw_readings ORDER BY timestamp") == [
        (1.0,),
        (2.0,),
        (3.0,),
    ]
    checkpoint = load_checkpoint(hint)
    assert checkpoint is not None
    assert (checkpoint.position.sequence, checkpoint.position.offset) == (3, log.stat().st_size)


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(engine: Engine, log: Path) -> None:
    log.write_text(HEADER + line(0) + line(1))
    load(engine, log)
    log.write_text(HEADER + line(1, 20) + line(2) + line(3))
    assert counts(load(engine, log)) == (2, 0, 1, 0, 1)


def test_what_is_written_while_loading_waits_for_the_next_load(engine: Engine, log: Path) -> None:
    log.write_text(HEADER + many_lines(1500))

    def clock() -> datetime:
        with log.open("a") as file:
            file.write(many_lines(1500))
        return datetime.now(UTC)

    result = load_log(engine, log, earliest=EARLIEST, clock=clock, batch_bytes=SMALL_BATCH)
    assert 1501 <= result.lines < 3001


def test_no_log_and_an_empty_log_load_nothing(engine: Engine, log: Path) -> None:
    assert load(engine, log) == LoadResult()
    log.write_text(HEADER)
    assert load(engine, log) == LoadResult()


def test_two_loaders_at_once_load_every_line_once(
    engine: Engine, database_url: str, log: Path
) -> None:
    log.write_text(HEADER + many_lines(8000))
    other = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(load, each, log, batch_bytes=SMALL_BATCH) for each in (engine, other)]
        results = [run.result() for run in runs]
    other.dispose()
    total = results[0] + results[1]
    assert counts(total) == (8000, 0, 0, 0, 1)
    assert scalar(engine, "SELECT count(*) FROM raw_readings") == 8000
    assert scalar(engine, "SELECT sum(lines) FROM ingest_batches") == 8001


LOADER = textwrap.dedent("""
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from sqlalchemy import create_engine
    from citywx.warehouse.load import load_log
    engine = create_engine(sys.argv[1])
    load_log(engine, Path(sys.argv[2]), earliest=datetime(2010, 1, 1, tzinfo=UTC),
             batch_bytes=32 * 1024)
""")


def test_a_loader_killed_at_any_moment_leaves_no_line_lost_or_double(
    engine: Engine, database_url: str, log: Path
) -> None:
    log.write_text(HEADER + many_lines(30_000))
    loaded_equals_accounted = """
        SELECT (SELECT count(*) FROM raw_readings) = (SELECT sum(loaded) FROM ingest_batches)
    """
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    moments = random.Random(7)  # noqa: S311 - repeatable, not secret
    for _ in range(4):
        before = scalar(engine, "SELECT count(*) FROM ingest_batches")
        loader = subprocess.Popen([sys.executable, "-c", LOADER, url, str(log)])
        deadline = time.monotonic() + 20
        while scalar(engine, "SELECT count(*) FROM ingest_batches") == before:
            assert time.monotonic() < deadline
        time.sleep(moments.uniform(0, 0.03))  # any moment of a batch
        os.kill(loader.pid, signal.SIGKILL)
        assert loader.wait() == -signal.SIGKILL
        assert scalar(engine, loaded_equals_accounted)
    load(engine, log)
    assert scalar(engine, "SELECT count(*) FROM raw_readings") == 30_000
    assert scalar(engine, "SELECT sum(lines) FROM ingest_batches") == 30_001
    assert scalar(engine, "SELECT sum(loaded) FROM ingest_batches") == 30_000


def test_a_connection_cut_within_a_batch_costs_nothing_but_a_second_try(
    engine: Engine, database_url: str, log: Path
) -> None:
    log.write_text(HEADER + many_lines(3000))
    cuts = iter([False, False, True])  # while the second batch is stored, the third is read

    def clock() -> datetime:
        if next(cuts):
            with psycopg.connect(database_url) as other:
                other.execute("""
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                """)
        return datetime.now(UTC)

    with pytest.raises(OperationalError):
        load_log(engine, log, earliest=EARLIEST, clock=clock, batch_bytes=SMALL_BATCH)
    first = scalar(engine, "SELECT sum(loaded) FROM ingest_batches")
    assert first == scalar(engine, "SELECT count(*) FROM raw_readings")
    assert counts(load(engine, log)) == (3000 - first, 0, 0, 0, 0)


def test_a_batch_that_fails_leaves_nothing_behind(engine: Engine, log: Path) -> None:
    log.write_text(HEADER + line(0))
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE ingest_batches ADD CONSTRAINT none CHECK (loaded = 0)")
        )
    with pytest.raises(Exception, match="none"):
        load(engine, log)
    assert scalar(engine, "SELECT count(*) FROM raw_readings") == 0
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE ingest_batches DROP CONSTRAINT none"))
    assert counts(load(engine, log)) == (1, 0, 0, 0, 1)


def test_what_is_read_ahead_is_dropped_where_another_loader_was_quicker(
    engine: Engine, log: Path
) -> None:
    log.write_text(HEADER + many_lines(3_000))
    first = _Loader(engine, log, EARLIEST, None, utc_now, SMALL_BATCH)
    with closing(first):
        one = first.load_batch()
        assert one is not None
        rest = load(engine, log)
        assert first.load_batch() is None
    assert one.result.lines + rest.lines == 3_001
    assert one.result.loaded + rest.loaded == 3_000
    assert scalar(engine, "SELECT sum(lines) FROM ingest_batches") == 3_001
