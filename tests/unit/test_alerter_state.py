"""What the alerter keeps on disk, and how it survives damage."""

import json
import resource
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citywx.staging.position import Checkpoint, Position
from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import parse_definitions
from citywx.weather.reading import Reading
from streaming.alerts_log import AlertsLog, Tick
from streaming.snapshot import Snapshot, encode_snapshot, load_snapshot, save_snapshot

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(number: int) -> bytes:
    body = {"alert_id": str(number), "event": "fired", "observed_at": "2026-03-01T12:00:00Z"}
    return json.dumps(body).encode()


def key(number: int) -> tuple[str, str, str]:
    return str(number), "fired", "2026-03-01T12:00:00Z"


def test_events_written_before_are_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    first = AlertsLog(path, 0)
    first.append([event(1)])
    between = first.size
    first.append([event(2), event(3)])
    first.sync()
    first.close()
    again = AlertsLog(path, between)
    assert again.written == {key(2), key(3)}
    assert again.size == path.stat().st_size
    again.close()


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    path.write_bytes(event(1) + b"\n" + event(2)[:9])
    log = AlertsLog(path, 0)
    assert log.written == {key(1)}
    log.append([event(2)])
    log.close()
    assert path.read_bytes() == event(1) + b"\n" + event(2) + b"\n"


def test_a_file_that_is_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    path.write_bytes(b"x" * 3_000_000)
    log = AlertsLog(path, 0)
    assert log.size == 0
    log.close()


def test_a_line_that_is_no_event_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    path.write_bytes(b"[1]\nrubbish\n" + event(1) + b"\n{}\n")
    log = AlertsLog(path, 0)
    assert log.written == {key(1)}
    log.close()


def test_a_file_shorter_than_the_snapshot_says_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    path.write_bytes(event(1) + b"\n")
    log = AlertsLog(path, 5000)
    assert log.written == {key(1)}
    log.close()


def test_ticks_are_known_with_their_places_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "alerts.ndjson"
    tick = Tick(Position("000001-abc", 70), NOON)
    first = AlertsLog(path, 0)
    first.append([Tick(Position("000001-abc", 10), NOON).body()])
    between = first.size
    first.append([tick.body(), b'{"tick": "noon", "segment": "x", "offset": 1}', event(1)])
    first.close()
    again = AlertsLog(path, between)
    assert again.ticks == [tick]
    assert again.written == {key(1)}
    again.close()


def test_a_snapshot_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "state" / "alerter.json"
    book = AlertBook(
        parse_definitions("""
            allowed_lateness = "1h"
            [[rule]]
            id = "warm"
            metric = "temperature_c"
            change_over = "1h"
            above = 2
            for = "1h"
            severity = "info"
            message = "Warmer"
            silent_for = "1h"
        """)
    )
    for minute, value in enumerate((20, 20, 24, 25, 26)):
        book.judge(Reading(NOON + timedelta(minutes=30 * minute), "Oslo", value))
    memory = book.memory()
    assert memory.lives
    snapshot = Snapshot(Checkpoint(Position("000001-abc", 70), "ff"), 123, memory)
    save_snapshot(path, encode_snapshot(snapshot))
    assert load_snapshot(path) == snapshot


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\0" * 80,
        b"[]",
        b'{"version": 99}',
        b'{"version": 1}',
        b'{"version": 2}',
        b'{"version": 2, "segment": "x", "offset": 1, "before": "", "alerts_bytes": 0}',
        b'{"version": 2, "segment": null, "alerts_bytes": 0, "memory": []}',
        b'{"version": 2, "segment": null, "alerts_bytes": 0, "memory": {"cities": [["a"]]}}',
    ],
)
def test_a_damaged_snapshot_reads_as_none(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "alerter.json"
    path.write_bytes(damage)
    assert load_snapshot(path) == Snapshot()


def test_events_for_which_there_is_no_room_leave_no_part_of_a_line(tmp_path: Path) -> None:
    log = AlertsLog(tmp_path / "alerts.ndjson", 0)
    log.append([event(1)])
    limit = log.size + 10
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            log.append([event(2), event(3)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert log.path.read_bytes() == event(1) + b"\n"
    log.append([event(2)])
    log.close()
    assert log.path.read_bytes() == event(1) + b"\n" + event(2) + b"\n"
