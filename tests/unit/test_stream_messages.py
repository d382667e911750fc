"""Messages between processes: what is sent is read back, anything else is refused."""

import base64
import json
from datetime import UTC, datetime

import pytest

from citywx.settings import Settings
from citywx.staging.lines import Line, LineKind, Rejected
from citywx.staging.position import Position
from citywx.weather.reading import Layout, Reading, UnreadableError
from streaming.broker import Broker, BrokerNotConfiguredError, Message
from streaming.messages import (
    LogReading,
    decode_readings,
    encode_reading,
    encode_rejected,
)
from streaming.status import Status, read_status, will_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ITEM = LogReading(Reading(NOON, "São Paulo", 20.5, weather="rain"), "000001-abc", 10, 60, NOON)


def test_a_reading_comes_back_with_its_place_in_the_log() -> None:
    assert decode_readings(encode_reading(ITEM, 4)) == [(ITEM, 4)]


def test_packed_readings_come_back_one_a_line() -> None:
    other = ITEM._replace(offset=60, end=110, read_at=None)
    batch = encode_reading(ITEM, 4) + b"\n" + encode_reading(other, 60) + b"\n"
    assert decode_readings(batch) == [(ITEM, 4), (other, 60)]


def test_times_with_an_offset_come_back_as_utc() -> None:
    body = json.loads(encode_reading(ITEM, 4)) | {"timestamp": "2026-03-01T13:00:00+01:00"}
    ((item, _),) = decode_readings(json.dumps(body).encode())
    assert item.reading.timestamp.isoformat() == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize(
    "change",
    [
        {"offset": "10"},
        {"offset": True},
        {"end": 10},
        {"prev_end": 11},
        {"prev_end": -1},
        {"segment": None},
        {"segment": "abc-def"},
        {"v": 2},
        {"city": ""},
        {"temperature_c": "hot"},
        {"timestamp": "noon"},
        {"timestamp": "2026-03-01T12:00:00"},
        {"city": " "},
        {"end": 1 << 60},
        {"humidity": True},
    ],
)
def test_a_reading_with_a_wrong_field_is_refused(change: dict[str, object]) -> None:
    body = json.loads(encode_reading(ITEM, 4)) | change
    with pytest.raises(UnreadableError):
        decode_readings(json.dumps(body).encode())


def test_a_rejected_line_is_told_with_its_bytes() -> None:
    line = Line("000001-abc", 5, 9, b"\xff\x00,", LineKind.RECORD, Layout())
    body = json.loads(encode_rejected(Rejected(line, "not UTF-8 at byte 0")))
    assert base64.b64decode(body["raw_base64"]) == b"\xff\x00,"
    assert (body["segment"], body["offset"], body["reason"]) == (
        "000001-abc",
        5,
        "not UTF-8 at byte 0",
    )


def test_the_last_will_reads_as_lost() -> None:
    assert read_status(will_of("bridge")) == Status("bridge", "lost", None)


def test_a_status_without_meaning_reads_as_none() -> None:
    for payload in (b"", b"{}", b"[]", b'{"process":"x","state":"y","segment":"z","offset":1}'):
        assert read_status(Message("weather/status/x", payload)) is None


def test_a_status_carries_a_position() -> None:
    body = b'{"process":"x","state":"running","segment":"000002-a","offset":7}'
    status = read_status(Message("weather/status/x", body))
    assert status == Status("x", "running", Position("000002-a", 7))


def test_the_brokers_address_is_taken_apart_and_its_password_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MQTT_URL", "mqtt://citywx:p%40ss@broker:1884")
    broker = Broker.of(Settings(_env_file=None))
    assert broker == Broker("broker", 1884, "citywx", "p@ss", 5)
    assert "p@ss" not in repr(broker)


@pytest.mark.parametrize(
    "url", [None, "http://broker", "mqtt://", "broker:1883", "mqtt://broker:99999"]
)
def test_an_address_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str | None
) -> None:
    monkeypatch.delenv("MQTT_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("MQTT_URL", url)
    with pytest.raises(BrokerNotConfiguredError):
        Broker.of(Settings(_env_file=None))
