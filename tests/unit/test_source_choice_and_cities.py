import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citywx.call_budget import CallCounts, poller_state_file, read_budgets
from citywx.home import Home
from citywx.polled_cities import PolledCities
from citywx.settings import Settings, WeatherSource
from citywx.source_choice import SourceChoiceError, choose_source
from citywx.staging.position import Checkpoint, Position, save_checkpoint
from citywx.weather.city import City
from citywx.weather.reading import Reading
from streaming.segment_cleanup import SegmentCleanup
from streaming.sources.backfill import Backfill
from streaming.sources.cities import look_up_names, resolve_cities
from streaming.sources.city_entries import CityEntryError, parse_city_entry
from streaming.sources.city_lookup import CityTable
from streaming.sources.errors import UnavailableError
from streaming.sources.poller_state import PollerState

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def table() -> CityTable:
    return CityTable()


def settings(folder: Path, **values: object) -> Settings:
    return Settings.model_validate({"data_dir": folder, "open_meteo_url": NOWHERE} | values)


def test_auto_takes_the_service_whose_key_is_set(tmp_path: Path) -> None:
    choice = choose_source(settings(tmp_path, openweather_api_key="k"))
    assert choice.source is WeatherSource.OPENWEATHERMAP


def test_auto_takes_open_meteo_when_it_can_be_reached(tmp_path: Path, listening: str) -> None:
    choice = choose_source(settings(tmp_path, open_meteo_url=listening))
    assert choice.source is WeatherSource.OPEN_METEO


def test_auto_without_a_network_simulates_and_stays_so(tmp_path: Path, listening: str) -> None:
    first = choose_source(settings(tmp_path))
    assert first.source is WeatherSource.SIMULATE
    assert "SIMULATED" in first.reason
    later = choose_source(settings(tmp_path, open_meteo_url=listening, openweather_api_key="k"))
    assert later.source is WeatherSource.SIMULATE
    assert "citywx reset" in later.reason


def test_auto_stays_real_in_an_outage(tmp_path: Path, listening: str) -> None:
    choose_source(settings(tmp_path, open_meteo_url=listening))
    assert choose_source(settings(tmp_path)).source is WeatherSource.OPEN_METEO


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weather_source": "openweathermap"}, "OPENWEATHER_API_KEY"),
        ({"weather_source": "replay"}, "REPLAY_FILE"),
        ({"weather_source": "replay", "replay_file": "/no/such.csv"}, "is no file"),
    ],
)
def test_a_source_that_lacks_something_is_refused(
    tmp_path: Path, values: dict[str, object], message: str
) -> None:
    with pytest.raises(SourceChoiceError, match=message):
        choose_source(settings(tmp_path, **values))


@pytest.mark.parametrize(
    ("text", "country", "zone"),
    [
        ("Cairo", "EG", "Africa/Cairo"),
        ("New York", "US", "America/New_York"),
        ("sao paulo", "BR", "America/Sao_Paulo"),
        ("Portland, Oregon, US", "US", "America/Los_Angeles"),
        ("Portland, ME", "US", "America/New_York"),
        ("London, CA", "CA", "America/Toronto"),
        ("Birmingham, UK", "GB", "Europe/London"),
        ("Москва", "RU", "Europe/Moscow"),
        ("Roof@30.04,31.24", None, "Africa/Cairo"),
    ],
)
def test_cities_are_found_without_a_network(
    table: CityTable, text: str, country: str | None, zone: str
) -> None:
    city = table.find(parse_city_entry(text))
    assert city is not None
    assert (city.country, city.time_zone) == (country, zone)
    assert city.name == text.split(",", maxsplit=1)[0].split("@", maxsplit=1)[0]


@pytest.mark.parametrize("text", ["Roof@", "Roof@91,0", "Roof@nan,0", "Roof@1", "@1,2", ",US"])
def test_an_entry_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(CityEntryError, match="CITIES entry"):
        parse_city_entry(text)


def test_cities_that_are_not_found_are_named_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cities = resolve_cities(["Nowhereville", "Roof@91,0", "Cairo"], tmp_path / "cities.json")
    assert list(cities) == ["Cairo"]
    assert "'Nowhereville' was not found" in caplog.text
    assert "Nowhereville@latitude,longitude" in caplog.text


def test_a_city_is_looked_up_once_and_keeps_its_name(tmp_path: Path) -> None:
    kept = tmp_path / "cities.json"
    first = resolve_cities(["Portland, Oregon, US"], kept)
    both = resolve_cities(["Portland, ME", "Portland, Oregon, US"], kept)
    assert [city.name for city in first.values()] == ["Portland"]
    assert [city.name for city in both.values()] == ["Portland, ME", "Portland"]


def test_what_the_table_lacks_is_asked_of_the_service(tmp_path: Path) -> None:
    there = City("Nowhereville", "NO", 60.0, 10.0, "Europe/Oslo")
    found = resolve_cities(["Nowhereville"], tmp_path / "c.json", lambda _entry: there)
    assert found == {"Nowhereville": there}


def test_cities_of_a_recording_are_looked_up_by_their_names(tmp_path: Path) -> None:
    found = look_up_names(["Denver", "sensor, roof@1"], tmp_path / "cities.json")
    assert [(city.name, city.time_zone) for city in found] == [("Denver", "America/Denver")]


def test_calls_are_counted_by_day_and_month() -> None:
    counts = CallCounts()
    counts.add("open-meteo", NOW, 10_000)
    assert counts.left("open-meteo", NOW) == 0
    assert counts.next_allowance("open-meteo", NOW) == datetime(2026, 11, 24, tzinfo=UTC)
    tomorrow = NOW + timedelta(days=1)
    assert counts.left("open-meteo", tomorrow) == 10_000
    counts.add("open-meteo", tomorrow)
    assert counts.made["open-meteo"] == {"2026-11": 10_001, "2026-11-24": 1}


def test_the_budget_is_read_without_the_poller(tmp_path: Path) -> None:
    configured = settings(tmp_path, cities="Cairo; Oslo", poll_seconds=600)
    home = Home.named(configured, "real")
    assert read_budgets(configured, home, NOW) == []
    state = PollerState(poller_state_file(home), polled="openweathermap")
    state.calls.add("openweathermap", NOW, 7)
    state.save()
    PolledCities(("Cairo", "Oslo"), ("Nowhereville",)).save(home)
    [budget] = read_budgets(configured, home, NOW)
    assert (budget.calls_a_month, budget.made_this_month) == (8_928, 7)
    assert budget.left_this_month == 999_993


class Quiet:
    """A live source with nothing to say."""

    detail = "quiet"

    def take(self, now: datetime) -> list[Reading]:
        del now
        return []

    def written(self) -> None:
        pass

    def pause(self, now: datetime) -> float:
        del now
        return 60


def test_history_is_filled_in_once_a_city_and_failures_are_tried_again(tmp_path: Path) -> None:
    cities = [City("Cairo"), City("Oslo")]
    answers = {"Cairo": iter([UnavailableError("down"), None, None]), "Oslo": iter([None, None])}

    def history(city: City, now: datetime) -> list[Reading]:
        if error := next(answers[city.name]):
            raise error
        return [Reading(now, city.name)]

    def fill(now: datetime) -> list[str]:
        state = PollerState.load(tmp_path / "poller.json")
        source = Backfill(Quiet(), history, cities, state=state, now=NOW)
        filled = []
        for step in range(6):
            filled += [reading.city for reading in source.take(now + timedelta(minutes=step))]
            source.written()
        return filled

    assert fill(NOW) == ["Oslo", "Cairo"]
    assert fill(NOW) == []


@pytest.fixture
def log(tmp_path: Path) -> Home:
    home = Home.named(settings(tmp_path), "real")
    home.readings_csv.parent.mkdir(parents=True)
    for sequence in (1, 2, 3):
        path = home.readings_csv.with_name(f"readings-{sequence:06d}.csv")
        path.write_text("x\n")
        os.utime(path, (NOW.timestamp() - 40 * 86_400,) * 2)
    return home


def at(home: Home, consumer: str, sequence: int) -> None:
    path = home.state / "positions" / f"{consumer}.json"
    save_checkpoint(path, Checkpoint(Position(f"{sequence:06d}-abc", 0), ""))


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_segments_that_every_consumer_has_read_are_deleted(log: Home) -> None:
    at(log, "bridge", 4)
    at(log, "loader", 2)
    assert names(SegmentCleanup(log, 30).look(NOW)) == ["readings-000001.csv"]


def test_young_segments_stay(log: Home) -> None:
    at(log, "bridge", 4)
    assert SegmentCleanup(log, 50).look(NOW) == []


def test_unread_old_segments_stay_and_are_reported_once(
    log: Home, caplog: pytest.LogCaptureFixture
) -> None:
    at(log, "bridge", 4)
    at(log, "loader", 1)
    cleanup = SegmentCleanup(log, 30)
    assert cleanup.look(NOW) == []
    assert cleanup.look(NOW + timedelta(hours=1)) == []
    assert caplog.text.count("are still unread") == 1
    assert "(behind: loader)" in caplog.text


def test_a_consumer_with_a_damaged_position_counts_as_behind(log: Home) -> None:
    at(log, "bridge", 4)
    (log.state / "positions" / "loader.json").write_text("{")
    assert SegmentCleanup(log, 30).look(NOW) == []
