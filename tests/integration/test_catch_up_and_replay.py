"""Packed catch-up, and consumers on hosts without the log: the same readings, each once."""

import json

import pytest
from sqlalchemy import Engine, func, select

from citywx.warehouse.tables import live_readings
from streaming.messages import ALERTS, READINGS, READINGS_BATCH
from tests.support.log_messages import append, line
from tests.support.stream import Stream, eventually

pytestmark = pytest.mark.integration
PACKED = {"BRIDGE_PACK": "catch-up", "BRIDGE_PACK_ABOVE": "100"}


def waves(first: int, count: int) -> list[bytes]:
    return [line(n, 25.0 if n % 2 else 20.0) for n in range(first, first + count)]


def test_a_backlog_goes_packed_and_single_lines_do_not(stream: Stream) -> None:
    stream.environment |= PACKED
    append(stream.log, line(0))
    listener = stream.listen(READINGS, READINGS_BATCH)
    stream.start("bridge", "alerter")
    eventually(lambda: stream.position("alerter") == stream.log.stat().st_size, "it is in step")
    append(stream.log, *waves(1, 2000))
    eventually(lambda: stream.position("alerter") == stream.log.stat().st_size, "it caught up")
    eventually(lambda: stream.position("bridge") == stream.log.stat().st_size, "acknowledged")
    append(stream.log, line(2001, 25.0))
    eventually(lambda: len(stream.events()) == 2001, "the last line has fired")
    packed = [m for m in listener.listen() if m.topic == READINGS_BATCH]
    offsets = [
        json.loads(text)["offset"]
        for message in listener.heard
        for text in message.payload.splitlines()
    ]
    assert len(offsets) == len(set(offsets)) == 2002
    assert offsets == sorted(offsets)
    assert 1 < len(packed) < 50
    assert listener.heard[-1].topic == READINGS


def test_a_consumer_without_the_log_asks_the_bridge(stream: Stream) -> None:
    append(stream.log, *waves(0, 1500), b"nonsense\n")
    remote = Stream(
        stream.broker, stream.data_dir / "elsewhere", {"FILL_FROM": "bridge", "HOME_NAME": "far"}
    )
    remote.data_dir.mkdir()
    listener = stream.listen(ALERTS)
    stream.start("bridge")
    remote.start("alerter")
    far = remote.data_dir / "far" / "alerts.ndjson"

    def events() -> int:
        return far.read_bytes().count(b"\n") if far.exists() else 0

    try:
        eventually(lambda: events() == 1499, "the whole log has been judged")
        append(stream.log, *waves(1500, 3))
        eventually(lambda: events() == 1502, "new lines come by MQTT")
        remote.kill("alerter")
        append(stream.log, *waves(1503, 100))
        eventually(lambda: stream.position("bridge") == stream.log.stat().st_size, "sent")
        remote.start("alerter")
        eventually(lambda: events() == 1602, "what it missed is asked for")
        eventually(lambda: len(listener.listen()) >= 1602, "and all of it is told")
        assert not remote.log.exists()
        keys = {
            (event["alert_id"], event["event"])
            for event in map(json.loads, far.read_text("utf-8").splitlines())
        }
        assert len(keys) == 1602
    finally:
        for name in list(remote.running):
            remote.kill(name)


def test_packed_readings_are_recorded_once(
    stream: Stream, engine: Engine, database_url: str
) -> None:
    stream.environment |= PACKED | {"DATABASE_URL": database_url}
    append(stream.log, line(0))
    stream.start("bridge", "recorder")
    eventually(lambda: stream.position("recorder") == stream.log.stat().st_size, "it is in step")
    append(stream.log, *waves(1, 12_000))
    eventually(lambda: stream.position("recorder") == stream.log.stat().st_size, "all is recorded")
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(live_readings)) == 12_001
