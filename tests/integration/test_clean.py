from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from citywx.settings import Settings
from citywx.warehouse.clean import CleanResult, InvalidRowsError, clean_days
from citywx.warehouse.load import load_log

pytestmark = pytest.mark.integration

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
START = datetime(2020, 3, 1, tzinfo=UTC)
HEADER = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather,source\n"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
REAL_FILES = [path for path in [SHARED / "dev_cities.csv"] if path.exists()]


class Pipeline:
    """A log whose readings are loaded and cleaned as a test asks."""

    def __init__(self, engine: Engine, log: Path) -> None:
        self.engine = engine
        self.log = log
        self.settings = Settings(_env_file=None, source_order=("csv", "model"))
        log.write_text(HEADER)

    def write(self, *lines: str) -> None:
        with self.log.open("a") as file:
            file.writelines(lines)
        load_log(self.engine, self.log, earliest=EARLIEST)

    def dirty(self) -> list[Any]:
        return [day for (day,) in self.rows("SELECT DISTINCT day FROM dirty_windows ORDER BY 1")]

    def clean(self, days: Sequence[date] | None = None, *, only_dirty: bool = True) -> CleanResult:
        days = self.dirty() if days is None else days
        return clean_days(self.engine, days, settings=self.settings, only_dirty=only_dirty)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def execute(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))


@pytest.fixture
def pipeline(engine: Engine, tmp_path: Path) -> Pipeline:
    return Pipeline(engine, tmp_path / "readings.csv")


def line(hour: float, temperature: float | str = 10.0, source: str = "csv") -> str:
    moment = START + timedelta(hours=hour)
    varying = hour % 7
    measures = f"{temperature},{50 + varying},{1010 + varying},{3 + varying},clear"
    return f"{moment:%Y-%m-%dT%H:%M:%SZ},Oslo,{measures},{source}\n"


def day(number: int) -> date:
    return (START + timedelta(days=number)).date()


def test_loaded_readings_become_clean_rows_in_monthly_partitions(pipeline: Pipeline) -> None:
    pipeline.write(line(0, 24), line(31 * 24, 9))
    assert pipeline.dirty() == [day(0), day(31)]
    assert pipeline.clean() == CleanResult(windows=2, rows=2, written=2)
    assert pipeline.dirty() == []
    query = """
        SELECT tableoid::regclass::text, temperature_c, mod_high_temp, low_temp, source, qc_flags
        FROM weather_readings ORDER BY timestamp
    """
    assert pipeline.rows(query) == [
        ("weather_readings_2020_03", 24.0, True, False, "csv", []),
        ("weather_readings_2020_04", 9.0, False, True, "csv", []),
    ]


def test_a_december_partition_ends_with_the_year(pipeline: Pipeline) -> None:
    pipeline.write(line(306 * 24 - 1), line(306 * 24))  # 2020-12-31T23 and 2021-01-01T00
    assert pipeline.clean().written == 2


def test_only_what_differs_is_written(pipeline: Pipeline) -> None:
    pipeline.write(*(line(hour, 10 + hour / 10) for hour in range(48)))
    assert pipeline.clean().written == 48
    pipeline.write(line(30, 13.5))
    result = pipeline.clean()
    assert result.rows > 24
    assert (result.windows, result.written, result.removed) == (1, 1, 0)
    assert pipeline.clean([day(0), day(1)], only_dirty=False).written == 0


def test_a_late_reading_corrects_what_was_filled_in_across_days(pipeline: Pipeline) -> None:
    pipeline.write(line(22, 10), line(23, ""), line(24, ""), line(25, 13))
    pipeline.clean()
    query = "SELECT temperature_c, imputed FROM weather_readings ORDER BY timestamp"
    imputed = ["temperature_c"]
    assert pipeline.rows(query) == [(10, []), (11, imputed), (12, imputed), (13, [])]
    pipeline.write(line(24, 11.5))
    assert pipeline.dirty() == [day(1)]
    pipeline.clean()
    assert pipeline.rows(query) == [(10, []), (10.75, imputed), (11.5, []), (13, [])]


def test_a_late_reading_corrects_the_flags_of_the_day_before(pipeline: Pipeline) -> None:
    pipeline.write(*(line(hour, 10) for hour in range(18, 24)))
    pipeline.clean()
    query = "SELECT count(*) FROM weather_readings WHERE 'TEMPERATURE_STUCK' = ANY (qc_flags)"
    assert pipeline.rows(query) == [(0,)]
    pipeline.write(line(24, 10), line(25, 10), line(26, 10))
    pipeline.clean([day(1)])
    assert pipeline.rows(query) == [(9,)]


def test_only_the_days_that_were_asked_for_are_cleaned(pipeline: Pipeline) -> None:
    pipeline.write(line(0), line(240))
    assert pipeline.clean([day(10)]).windows == 1
    assert pipeline.dirty() == [day(0)]
    assert pipeline.rows("SELECT count(*) FROM watermarks WHERE name = 'cleaned_through'") == [(0,)]
    pipeline.clean()
    marks = "SELECT count(DISTINCT (segment_no, byte_offset)), count(*) FROM watermarks"
    assert pipeline.rows(marks) == [(1, 3)]


def test_the_best_source_wins_also_when_it_comes_later(pipeline: Pipeline) -> None:
    pipeline.write(line(0, 10, "model"))
    pipeline.clean()
    pipeline.write(line(0, 11, "csv"))
    pipeline.clean()
    query = "SELECT source, temperature_c FROM weather_readings"
    assert pipeline.rows(query) == [("csv", 11.0)]


def test_a_backfill_repairs_rows_without_a_dirty_window_and_erases_nothing_unbacked(
    pipeline: Pipeline,
) -> None:
    pipeline.write(line(0), line(1), line(96))
    pipeline.clean()
    pipeline.execute("UPDATE weather_readings SET temperature_c = 99")
    assert pipeline.clean([day(0)]).written == 0
    result = pipeline.clean([day(0)], only_dirty=False)
    assert (result.written, result.windows) == (2, 0)
    pipeline.execute("DELETE FROM raw_readings")
    assert pipeline.clean([day(0)], only_dirty=False) == CleanResult()
    assert pipeline.rows("SELECT count(*) FROM weather_readings") == [(3,)]


def test_a_row_without_a_raw_reading_goes_when_its_neighbours_are_cleaned(
    pipeline: Pipeline,
) -> None:
    pipeline.write(line(0), line(1))
    pipeline.clean()
    pipeline.execute("DELETE FROM raw_readings WHERE timestamp > '2020-03-01T00:00Z'")
    assert pipeline.clean([day(0)], only_dirty=False).removed == 1


def test_rows_that_break_the_schema_are_not_written_and_stay_dirty(pipeline: Pipeline) -> None:
    pipeline.write(line(0, 10))
    pipeline.execute("UPDATE raw_readings SET city = '', temperature_c = 1")
    pipeline.execute("UPDATE dirty_windows SET city = ''")
    with pytest.raises(InvalidRowsError, match="1 cleaned rows break the schema"):
        pipeline.clean()
    assert pipeline.dirty() == [day(0)]
    assert pipeline.rows("SELECT count(*) FROM weather_readings") == [(0,)]


def test_runs_at_once_clean_everything_once(pipeline: Pipeline) -> None:
    pipeline.write(*(line(hour, 10 + hour % 5) for hour in range(0, 24 * 100, 6)))
    days = pipeline.dirty()
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: pipeline.clean(days), range(3)))
    assert sum(result.windows for result in results) == 100
    assert sum(result.written for result in results) == 400
    assert pipeline.dirty() == []


if REAL_FILES:  # collected where the recorded data lies beside the project

    @pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: path.stem)
    def test_real_data_is_loaded_exactly_once_and_cleaned(pipeline: Pipeline, path: Path) -> None:
        result = load_log(pipeline.engine, path, earliest=EARLIEST)
        assert (result.loaded, result.duplicates, result.rejected) == (12_960, 0, 0)
        assert pipeline.clean().written == 12_960
        assert pipeline.rows("SELECT count(*), count(DISTINCT city) FROM weather_readings") == [
            (12_960, 6)
        ]
        flagged = pipeline.rows("SELECT DISTINCT unnest(qc_flags) FROM weather_readings")
        assert {("PRESSURE_RANGE",), ("PRESSURE_LEVEL",), ("IMPUTED",)} <= set(flagged)
