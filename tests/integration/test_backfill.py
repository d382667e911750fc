"""`citywx backfill` as its users run it: from a server that plays the archive, and from files."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from citywx.home import Home
from citywx.settings import Settings, WeatherSource
from citywx.staging.appender import Appender
from citywx.warehouse.load import load_log
from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import load_definitions
from citywx.weather.reading import COLUMNS, Reading, parse_timestamp
from tests.support.weather_services import Answer, WeatherServer, wait_until

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
HEADER = "timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"
LONDON, TOKYO = "London@51.5,-0.12", "Tokyo@35.68,139.7"


class Bench:
    """A data home, and the command that fills it."""

    def __init__(self, folder: Path, server: WeatherServer) -> None:
        self.folder = folder
        self.settings = {
            "DATA_DIR": str(folder),
            "HOME_NAME": "test",
            "CITIES": f"{LONDON};{TOKYO}",
            "OPEN_METEO_ARCHIVE_URL": server.url,
            "OPEN_METEO_URL": server.url,
            "OPEN_METEO_GEOCODING_URL": server.url,
        }
        self.home = Home(folder / "test", folder / "test" / "log" / "readings.csv")

    def start(self, *words: str) -> "subprocess.Popen[str]":
        foreign = {name.upper() for name in Settings.model_fields}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        return subprocess.Popen(
            [sys.executable, "-c", "from citywx.cli import app; app()", "backfill", *words],
            cwd=ROOT,
            env=kept | self.settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, first: str, last: str, *words: str) -> tuple[int, str]:
        process = self.start("--from", first, "--to", last, *words)
        output, _ = process.communicate(timeout=60)
        return process.returncode, " ".join(output.split())

    def rows(self) -> list[dict[str, str]]:
        lines = self.home.readings_csv.read_text("utf-8").splitlines()
        split = [dict(zip(COLUMNS, line.split(","), strict=True)) for line in lines]
        return [row for row in split if row["timestamp"] != "timestamp"]

    def state_files(self) -> list[str]:
        return sorted(path.name for path in (self.home.state / "backfills").glob("*.json"))


@pytest.fixture
def bench(tmp_path: Path, weather_server: WeatherServer) -> Bench:
    weather_server.answer = archive
    return Bench(tmp_path, weather_server)


def archive(path: str, query: dict[str, str]) -> Answer:
    """Every hour of the days asked for; the last one has no values yet."""
    assert path == "/v1/archive"
    assert query["wind_speed_unit"] == "ms"
    first, last = (datetime.fromisoformat(query[name] + "T00:00Z") for name in DATES)
    hours = ((last - first).days + 1) * 24
    times = [int(first.timestamp()) + 3600 * hour for hour in range(hours)]
    values = [*(20.0 + hour % 5 for hour in range(hours - 1)), None]
    names = ("temperature_2m", "relative_humidity_2m", "pressure_msl", "wind_speed_10m")
    hourly = {"time": times, **dict.fromkeys(names, values), "weather_code": [61] * hours}
    return Answer.of({"hourly": hourly, "hourly_units": {"wind_speed_10m": "m/s"}})


DATES = ("start_date", "end_date")


def spans(server: WeatherServer) -> list[str]:
    return ["/".join(query[name] for name in DATES) for _, query in server.requests]


def test_years_are_asked_for_one_by_one_and_stand_in_the_log(
    bench: Bench, weather_server: WeatherServer
) -> None:
    code, output = bench.run("2023-12-30", "2024-01-02", "--city", "London")
    assert code == 0, output
    assert spans(weather_server) == ["2023-12-30/2023-12-31", "2024-01-01/2024-01-02"]
    assert weather_server.requests[0][1]["latitude"] == "51.5"
    rows = bench.rows()
    assert len(rows) == 2 * 47
    assert {row["source"] for row in rows} == {"open-meteo-archive"}
    assert rows[0]["timestamp"] == "2023-12-30T00:00:00Z"
    assert rows[0]["weather"] == "light rain"
    assert bench.state_files() == []


def test_by_default_all_cities_are_filled(bench: Bench) -> None:
    assert bench.run("2024-01-01", "2024-01-01")[0] == 0
    assert {row["city"] for row in bench.rows()} == {"London", "Tokyo"}


def test_days_before_history_start_and_after_the_archive_are_told(
    bench: Bench, weather_server: WeatherServer
) -> None:
    bench.settings["HISTORY_START"] = "2025-01-01"
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    code, output = bench.run("2024-06-01", str(tomorrow), "--city", "London")
    assert code == 0, output
    assert "before HISTORY_START" in output
    assert "not in the archive yet" in output
    assert spans(weather_server)[0].startswith("2025-01-01/")
    assert spans(weather_server)[-1].endswith(str(tomorrow - timedelta(days=3)))
    code, output = bench.run("2024-06-01", "2024-07-01")
    assert code == 2
    assert "nothing is left" in output


def test_a_failing_service_is_asked_again(bench: Bench, weather_server: WeatherServer) -> None:
    answers = iter(
        [Answer(b"{}", 503), Answer(b'{"reason": "slow down"}', 429, {"Retry-After": "1"})]
    )
    weather_server.answer = lambda path, query: next(answers, None) or archive(path, query)
    code, output = bench.run("2024-01-01", "2024-01-01", "--city", "London")
    assert code == 0, output
    assert "HTTP 503" in output
    assert "slow down" in output
    assert len(bench.rows()) == 23


def test_a_year_that_is_refused_is_told_and_tried_again_by_the_same_command(
    bench: Bench, weather_server: WeatherServer
) -> None:
    def refuse_2023(path: str, query: dict[str, str]) -> Answer:
        refused = query["start_date"].startswith("2023")
        return Answer.of({"reason": "no"}, 400) if refused else archive(path, query)

    weather_server.answer = refuse_2023
    asked = ("2023-12-31", "2024-01-01", "--city", "London")
    code, output = bench.run(*asked)
    assert code == 1
    assert "London 2023-12-31/2023-12-31: HTTP 400: no" in output
    assert len(bench.rows()) == 23
    weather_server.answer = archive
    weather_server.requests.clear()
    assert bench.run(*asked)[0] == 0
    assert spans(weather_server) == ["2023-12-31/2023-12-31"]
    assert bench.state_files() == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_backfill_goes_on_without_the_pieces_that_are_done(
    bench: Bench, weather_server: WeatherServer, number: signal.Signals
) -> None:
    def stuck_from_2024(path: str, query: dict[str, str]) -> Answer:
        if query["start_date"].startswith("2024"):
            weather_server.closing.wait(30)
        return archive(path, query)

    weather_server.answer = stuck_from_2024
    asked = ("--from", "2022-12-31", "--to", "2024-01-01", "--city", "London")
    process = bench.start(*asked)
    wait_until(lambda: len(weather_server.requests) == 3)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    if number is signal.SIGINT:
        assert process.returncode == 1
        assert "the same command goes on from there" in output
    weather_server.answer = archive
    weather_server.requests.clear()
    code, output = bench.run("2022-12-31", "2024-01-01", "--city", "London")
    assert code == 0, output
    assert spans(weather_server) == ["2024-01-01/2024-01-01"]
    assert len(bench.rows()) == 365 * 24 + 24 - 2 + 23


def test_two_backfills_at_once_are_refused(bench: Bench, weather_server: WeatherServer) -> None:
    weather_server.answer = lambda path, query: (
        (weather_server.closing.wait(30) and Answer()) or archive(path, query)
    )
    first = bench.start("--from", "2024-01-01", "--to", "2024-01-01", "--city", "London")
    wait_until(lambda: bool(weather_server.requests))
    code, output = bench.run("2024-01-01", "2024-01-02")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=30)
    assert code == 2
    assert "stop it first" in output


def write(path: Path, lines: str) -> Path:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(lines)
    return path


def hours(count: int, start: str = "2024-01-01T00:00:00Z", city: str = "Oslo") -> str:
    first = parse_timestamp(start)
    times = (first + timedelta(hours=hour) for hour in range(count))
    return "".join(
        f"{time:%Y-%m-%dT%H:%M:%SZ},{city},{time.hour},50,1010,3,rain\n" for time in times
    )


@pytest.mark.parametrize(("name", "header"), [("a.csv", HEADER), ("b.csv.gz", "")])
def test_files_fill_the_log_and_say_what_is_left_out(
    bench: Bench, tmp_path: Path, name: str, header: str
) -> None:
    bench.settings["HISTORY_START"] = "2024-01-01"
    lines = hours(24, "2023-12-31T12:00:00Z") + hours(30) + "yesterday,Oslo,1,2,3,4,x\n"
    file = write(tmp_path / name, header + lines + hours(3, city="Cairo"))
    words = ("--source", str(file), "--city", "Oslo")
    code, output = bench.run("2024-01-01", "2024-01-01", *words)
    assert code == 0, output
    assert len(bench.rows()) == 12 + 24
    assert {row["source"] for row in bench.rows()} == {"csv"}
    for said in ("12 rows left out: before HISTORY_START", "6 rows left out: of other days"):
        assert said in output
    assert "3 rows left out: of other cities" in output
    assert "1 rows left out: unreadable" in output


def test_a_file_goes_on_at_the_line_where_it_was_stopped(bench: Bench, tmp_path: Path) -> None:
    rows = 60_000
    first = parse_timestamp("2024-01-01T00:00:00Z")
    lines = "".join(
        f"{first + timedelta(minutes=n):%Y-%m-%dT%H:%M:%SZ},Oslo,{n % 30},50,1010,3,\n"
        for n in range(rows)
    )
    file = write(tmp_path / "long.csv.gz", HEADER + lines)
    asked = ("2024-01-01", "2024-12-31", "--source", str(file))
    process = bench.start("--from", asked[0], "--to", asked[1], *asked[2:])
    wait_until(lambda: bool(bench.state_files()))
    process.kill()
    process.communicate()
    (state,) = (bench.home.state / "backfills").glob("*.json")
    (line,) = json.loads(state.read_text())["done"].values()
    before = len(bench.rows())
    assert 0 < line <= before + 1 < rows
    assert bench.run(*asked)[0] == 0
    found = [row["timestamp"] for row in bench.rows()]
    assert len(found) == before + rows + 1 - line
    assert len(set(found)) == rows


def test_a_damaged_file_is_told(bench: Bench, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.csv.gz", HEADER + hours(2_000)).read_bytes()
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    code, output = bench.run("2024-01-01", "2024-12-31", "--source", str(cut))
    assert code == 2
    assert "cannot be read to its end" in output


def test_simulated_homes_take_no_real_history(bench: Bench) -> None:
    settings = Settings(_env_file=None, data_dir=bench.folder, home_name="test")
    bench.home.claim(settings, WeatherSource.SIMULATE)
    code, output = bench.run("2024-01-01", "2024-01-01")
    assert code == 2
    assert "never share a home" in output


@contextmanager
def live(log: Path, rotate_bytes: int) -> Iterator[Callable[[], None]]:
    """A poller that holds the log; calling it writes one live reading."""
    with Appender(log, rotate_bytes) as appender:
        moment = datetime(2026, 3, 1, tzinfo=UTC)

        def write_one() -> None:
            nonlocal moment
            moment += timedelta(minutes=1)
            appender.append([Reading(moment, "Oslo", 1.0, 2, 1000, 3, source="live")])

        yield write_one


def test_a_backfill_beside_a_poller_loses_no_line_of_either_when_segments_close(
    bench: Bench, tmp_path: Path, engine: Engine
) -> None:
    file = write(tmp_path / "history.csv", HEADER + hours(8_000))
    bench.home.claim(
        Settings(_env_file=None, data_dir=bench.folder, home_name="test"), WeatherSource.OPEN_METEO
    )
    bench.settings["STAGING_ROTATE_MB"] = "1"
    written = 0
    with live(bench.home.readings_csv, 20_000) as write_one:
        process = bench.start("--from", "2024-01-01", "--to", "2024-12-31", "--source", str(file))
        while process.poll() is None:
            write_one()
            written += 1
            time.sleep(0.001)
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert len(list(bench.home.readings_csv.parent.glob("readings-*.csv"))) > 3
    result = load_log(engine, bench.home.readings_csv, earliest=EARLIEST)
    assert (result.loaded, result.duplicates, result.rejected) == (8_000 + written, 0, 0)
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM raw_readings WHERE source = 'live'")
        assert connection.execute(query).scalar_one() == written


def test_history_sets_off_no_alert(bench: Bench) -> None:
    assert bench.run("2024-01-01", "2024-01-01", "--city", "London")[0] == 0
    book = AlertBook(load_definitions(ROOT / "alerts.toml"))
    row = bench.rows()[0]
    hot = Reading(parse_timestamp(row["timestamp"]), "London", 45.0, source=row["source"])
    assert book.judge(hot) == []
    assert book.judge(hot._replace(source="csv")) != []
