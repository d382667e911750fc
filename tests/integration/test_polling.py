import json
import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from citywx.call_budget import QUOTAS
from citywx.weather.city import City
from streaming.sources.errors import (
    CallLimitError,
    KeyRefusedError,
    RequestRefusedError,
    SourceError,
    UnavailableError,
    UnknownPlaceError,
    UnreadableAnswerError,
)
from streaming.sources.http_client import HttpClient, Limits
from streaming.sources.open_meteo import OpenMeteo
from streaming.sources.openweathermap import OpenWeatherMap
from streaming.sources.poller_state import PollerState
from streaming.sources.polling import Polling
from tests.support.weather_services import Answer, WeatherServer

pytestmark = pytest.mark.integration

CANARY = "canary0123456789abcdef"
OSLO = City("Oslo", "NO", 59.9, 10.7, "Europe/Oslo")
CAIRO = City("Cairo", "EG", 30.1, 31.2, "Africa/Cairo")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = {"dt": int(NOW.timestamp()), "main": {"temp": 1.5}, "cod": 200}
LIMITS = Limits(connect_seconds=1, read_seconds=0.5, total_seconds=1.0, answer_bytes=10_000)


def service(server: WeatherServer, stopping: threading.Event | None = None) -> OpenWeatherMap:
    client = HttpClient(stopping or threading.Event(), LIMITS)
    return OpenWeatherMap(client, server.url, SecretStr(CANARY))


def polling(server: WeatherServer, folder: Path, *cities: City, every: float = 600) -> Polling:
    state = PollerState.load(folder / "poller.json")
    return Polling(service(server), cities, poll_seconds=every, state=state, now=NOW)


def test_a_city_is_asked_for_by_its_coordinates_in_metric_units(
    weather_server: WeatherServer,
) -> None:
    weather_server.answer = lambda _path, _query: Answer.of(GOOD)
    assert service(weather_server).current(OSLO).temperature_c == 1.5
    [(path, query)] = weather_server.requests
    assert path == "/data/2.5/weather"
    assert query == {"lat": "59.9", "lon": "10.7", "units": "metric", "appid": CANARY}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer.of({"cod": 401, "message": f"bad key {CANARY[:4]}"}, 401), KeyRefusedError),
        (Answer.of({}, 403), KeyRefusedError),
        (Answer.of({"cod": "404"}, 404), UnknownPlaceError),
        (Answer.of({"cod": "400"}, 400), RequestRefusedError),
        (Answer.of({"cod": 429}, 429, Retry_After="90"), CallLimitError),
        (Answer.of({}, 503), UnavailableError),
        (Answer(b"", 301, {"Location": "/elsewhere"}), UnavailableError),
        (Answer(b'{"dt": 17723', 200), UnreadableAnswerError),
        (Answer(b"<html>maintenance</html>", 200), UnreadableAnswerError),
        (Answer(b'{"dt": NaN}', 200), UnreadableAnswerError),
        (Answer(b"[" * 9_000, 200), UnreadableAnswerError),
        (Answer(b'"' + b"x" * 20_000 + b'"', 200), UnreadableAnswerError),
        (Answer(b"\xff\xfe{}", 200), UnreadableAnswerError),
        (Answer(b" " * 1_000, drip_seconds=0.05), UnavailableError),
        (Answer(b"  ", drip_seconds=5), UnavailableError),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_bad_answer_has_its_error_and_takes_bounded_time(
    weather_server: WeatherServer,
    answer: Answer,
    error: type[SourceError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    weather_server.answer = lambda _path, _query: answer
    began = time.monotonic()
    with pytest.raises(error) as caught:
        service(weather_server).current(OSLO)
    assert time.monotonic() - began < 3
    assert len(weather_server.requests) == 1  # a redirect is not followed
    assert caught.value.__context__ is None  # nothing that could hold the address
    assert CANARY not in str(caught.value) + caplog.text


def test_a_server_that_is_not_there_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(UnavailableError) as caught:
        service(WeatherServer("http://127.0.0.1:1")).current(OSLO)
    assert CANARY not in repr(caught.value) + caplog.text


def test_a_stop_does_not_wait_for_an_answer(weather_server: WeatherServer) -> None:
    weather_server.answer = lambda _path, _query: Answer(b" " * 100, drip_seconds=0.2)
    stopping = threading.Event()
    threading.Timer(0.1, stopping.set).start()
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="stopping"):
        service(weather_server, stopping).current(OSLO)
    assert time.monotonic() - began < 0.9


def test_one_observation_is_written_once_also_after_a_restart(
    weather_server: WeatherServer, tmp_path: Path
) -> None:
    weather_server.answer = lambda _path, _query: Answer.of(GOOD)
    source = polling(weather_server, tmp_path, OSLO)
    assert len(source.take(NOW)) == 1
    source.written()
    assert source.take(NOW + timedelta(seconds=601)) == []
    again = polling(weather_server, tmp_path, OSLO)
    assert again.take(NOW) == []
    weather_server.answer = lambda _path, _query: Answer.of(GOOD | {"dt": GOOD["dt"] + 60})  # type: ignore[operator]  # an int
    assert len(again.take(NOW + timedelta(seconds=601))) == 1


@pytest.mark.parametrize("status", [400, 404, 500])
def test_one_bad_city_never_stops_the_others(
    weather_server: WeatherServer, tmp_path: Path, status: int
) -> None:
    def answer(_path: str, query: dict[str, str]) -> Answer:
        return Answer.of(GOOD) if query["lat"] == "30.1" else Answer.of({}, status)

    weather_server.answer = answer
    source = polling(weather_server, tmp_path, OSLO, CAIRO)
    assert source.take(NOW) == []
    assert [reading.city for reading in source.take(NOW)] == ["Cairo"]
    wait = source.pause(NOW)
    assert wait == 600 if status < 500 else 10 < wait < 20


def test_too_many_calls_stop_the_whole_key_for_as_long_as_asked(
    weather_server: WeatherServer, tmp_path: Path
) -> None:
    weather_server.answer = lambda _path, _query: Answer.of({}, 429, Retry_After="300")
    source = polling(weather_server, tmp_path, OSLO, CAIRO)
    source.take(NOW)
    assert source.pause(NOW) == 300
    assert source.take(NOW + timedelta(seconds=299)) == []
    assert len(weather_server.requests) == 1
    weather_server.answer = lambda _path, _query: Answer.of({}, 429)
    source.take(NOW + timedelta(seconds=301))
    assert source.pause(NOW + timedelta(seconds=301)) == 120


def test_a_refused_key_is_not_tried_again_for_each_city(
    weather_server: WeatherServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weather_server.answer = lambda _path, _query: Answer.of({"cod": 401}, 401)
    source = polling(weather_server, tmp_path, OSLO, CAIRO)
    source.take(NOW)
    source.take(NOW + timedelta(seconds=60))
    assert len(weather_server.requests) == 1
    assert source.pause(NOW) == 600
    assert "key refused" in caplog.text


def test_an_observation_in_the_future_is_not_written(
    weather_server: WeatherServer, tmp_path: Path
) -> None:
    body = GOOD | {"dt": int(NOW.timestamp()) + 3600}
    weather_server.answer = lambda _path, _query: Answer.of(body)
    assert polling(weather_server, tmp_path, OSLO).take(NOW) == []


def test_a_budget_that_is_used_up_stops_the_calls(
    weather_server: WeatherServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = PollerState(tmp_path / "poller.json")
    state.calls.add("openweathermap", NOW, QUOTAS["openweathermap"].per_month)
    source = Polling(service(weather_server), [OSLO], poll_seconds=600, state=state, now=NOW)
    assert source.take(NOW) == []
    assert weather_server.requests == []
    assert "used up: no calls until 2026-04-01T00:00:00Z" in caplog.text


def test_no_more_calls_a_minute_than_the_service_allows(
    weather_server: WeatherServer, tmp_path: Path
) -> None:
    weather_server.answer = lambda _path, _query: Answer.of(GOOD)
    cities = [City(f"C{i}", None, float(i % 80), 0.0) for i in range(70)]
    source = polling(weather_server, tmp_path, *cities)
    for _ in range(70):
        source.take(NOW)
    assert len(weather_server.requests) == 60
    assert source.pause(NOW) == 60


def test_open_meteo_gives_the_last_days_and_no_hour_ahead(weather_server: WeatherServer) -> None:
    first = int((NOW - timedelta(days=2)).timestamp())
    hours = [first + 3600 * i for i in range(72)]
    body = {"hourly": {"time": hours, "temperature_2m": [1.0] * 72}}
    weather_server.answer = lambda _path, _query: Answer.of(body)
    client = HttpClient(threading.Event(), LIMITS)
    readings = OpenMeteo(client, weather_server.url, weather_server.url).history(OSLO, 1, NOW)
    assert (readings[0].timestamp, readings[-1].timestamp) == (NOW - timedelta(days=1), NOW)
    assert weather_server.requests[0][1]["wind_speed_unit"] == "ms"


def test_a_damaged_state_file_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "poller.json").write_text(json.dumps({"calls": []}))
    assert PollerState.load(tmp_path / "poller.json").calls.made == {}
