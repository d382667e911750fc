"""What processes say of themselves reaches PostgreSQL, and nothing in it disturbs the recorder."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, Row, select

from citywx.warehouse.tables import live_readings, pipeline_samples, process_status
from streaming.broker import Message
from streaming.status import will_of
from streaming.status_recorder import StatusRecorder, prune_samples
from tests.support.log_messages import append, line
from tests.support.stream import Stream, eventually

pytestmark = pytest.mark.integration
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def said(process: str = "bridge", *, retained: bool = False, **more: object) -> Message:
    body = {"v": 1, "process": process, "state": "running", "segment": "000001-abc", "offset": 7}
    payload = json.dumps(body | {"at": "2026-03-01T11:59:59Z"} | more).encode()
    return Message(f"weather/status/{process}", payload, retained)


def write(engine: Engine, statuses: StatusRecorder, now: datetime) -> None:
    with engine.begin() as connection:
        statuses.write(connection, now)


def write_one(engine: Engine, message: Message, now: datetime) -> None:
    statuses = StatusRecorder()
    statuses.note(message, now)
    write(engine, statuses, now)


def rows(engine: Engine) -> dict[str, Row[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {row.process: row for row in connection.execute(select(process_status))}


def samples(engine: Engine) -> list[tuple[str, datetime]]:
    with engine.connect() as connection:
        query = select(pipeline_samples.c.process, pipeline_samples.c.at)
        return [(row.process, row.at) for row in connection.execute(query.order_by("at"))]


def test_the_last_word_of_each_process_is_kept(engine: Engine) -> None:
    statuses = StatusRecorder()
    statuses.note(said(metrics={"citywx_x_total": 1}), NOON)
    statuses.note(said(offset=9), NOON)
    statuses.note(said("alerter", at="2026-03-01T12:00:05Z"), NOON)
    write(engine, statuses, NOON)
    bridge, alerter = rows(engine)["bridge"], rows(engine)["alerter"]
    assert (bridge.state, bridge.segment, bridge.byte_offset) == ("running", "000001-abc", 9)
    assert bridge.said_at == NOON - SECOND
    assert bridge.metrics == {"citywx_x_total": 1}
    assert alerter.said_at == NOON  # no clock runs ahead of ours
    assert alerter.metrics == {}


def test_a_last_will_changes_the_state_and_nothing_else(engine: Engine) -> None:
    statuses = StatusRecorder()
    statuses.note(said(metrics={"citywx_x_total": 1}), NOON)
    write(engine, statuses, NOON)
    for retained in (False, True):  # heard as it is sent, and by who comes later
        will = will_of("bridge")._replace(retained=retained)
        statuses.note(will, NOON + 60 * SECOND)
        write(engine, statuses, NOON + 60 * SECOND)
    bridge = rows(engine)["bridge"]
    assert (bridge.state, bridge.byte_offset, bridge.said_at) == ("lost", 7, NOON - SECOND)
    assert bridge.metrics == {"citywx_x_total": 1}


def test_a_process_that_tells_no_time_spoke_when_it_was_heard(engine: Engine) -> None:
    statuses = StatusRecorder()
    statuses.note(said(at=None), NOON)
    write(engine, statuses, NOON)
    statuses.note(said(at=None, retained=True), NOON + SECOND)
    write(engine, statuses, NOON + SECOND)
    assert rows(engine)["bridge"].said_at == NOON


def test_samples_are_taken_every_ten_seconds_of_what_was_counted(engine: Engine) -> None:
    statuses = StatusRecorder()
    for second in range(25):
        moment = NOON + second * SECOND
        at = moment.isoformat()
        statuses.note(said(metrics={"citywx_x_total": second}, at=at), moment)
        statuses.note(said("poller", at=at), moment)  # it counts nothing
        write(engine, statuses, moment)
    assert samples(engine) == [("bridge", NOON + n * SECOND) for n in (0, 10, 20)]


def test_a_write_is_due_every_two_seconds_when_something_was_said() -> None:
    statuses = StatusRecorder()
    assert not statuses.due(NOON)
    statuses.note(said(), NOON)
    assert statuses.due(NOON)


def test_old_samples_are_thinned_out_and_then_deleted(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            pipeline_samples.insert(),
            [
                {"process": "bridge", "at": NOON - age + 3 * SECOND, "metrics": {}}
                for first in (timedelta(days=4), timedelta(hours=3), timedelta(hours=1))
                for age in (first, first - 10 * SECOND, first - 300 * SECOND)
            ],
        )
        assert prune_samples(connection, NOON) == 4
    assert [NOON + 3 * SECOND - at for _, at in samples(engine)] == [
        timedelta(hours=3),
        timedelta(hours=3) - 300 * SECOND,
        timedelta(hours=1),
        timedelta(hours=1) - 10 * SECOND,
        timedelta(hours=1) - 300 * SECOND,
    ]


def test_a_process_that_is_no_more_is_forgotten_after_days(engine: Engine) -> None:
    later = NOON + timedelta(days=4)
    write_one(engine, said("hook"), NOON)
    write_one(engine, said("bridge", at=later.isoformat()), later)
    assert rows(engine).keys() == {"bridge"}


@pytest.mark.parametrize(
    "message",
    [
        Message("weather/status/bridge", b"no JSON"),
        Message("weather/status/bridge", b'{"process":"bridge","state":"x"}'),
        Message("weather/readings", said().payload),
        Message("weather/status/other", said().payload),
        said("Bridge' OR 1"),
        said(state="\x00"),
        said(segment="000001-\x00"),
        said(segment="000001-\ud800"),
        said(offset=-1),
        said(offset=2**63),
        Message("weather/status/bridge", said().payload.replace(b"7", b"1e999")),
    ],
)
def test_what_is_no_status_of_a_process_of_ours_is_left_alone(message: Message) -> None:
    statuses = StatusRecorder()
    statuses.note(message, NOON)
    assert not statuses.due(NOON)


def test_whoever_invents_processes_does_not_fill_the_database(engine: Engine) -> None:
    statuses = StatusRecorder()
    for number in range(100):
        statuses.note(said(f"p{number}"), NOON)
    write(engine, statuses, NOON)
    assert len(rows(engine)) == 32


def test_hostile_metrics_are_no_reason_to_fail(engine: Engine) -> None:
    statuses = StatusRecorder()
    statuses.note(said(metrics={"a\x00": 1, "\ud800": 1, "n": float("nan"), "b": 2}), NOON)
    write(engine, statuses, NOON)
    assert rows(engine)["bridge"].metrics == {"b": 2}


def test_the_running_processes_are_recorded(
    stream: Stream, engine: Engine, database_url: str
) -> None:
    stream.environment["DATABASE_URL"] = database_url
    append(stream.log, *(line(n) for n in range(50)))
    stream.start("bridge", "alerter", "recorder")
    size = stream.log.stat().st_size

    def in_step() -> bool:
        found = rows(engine)
        return {"bridge", "alerter", "recorder"} <= found.keys() and all(
            row.byte_offset == size and row.metrics for row in found.values()
        )

    eventually(in_step, "each process tells where it is and what it counted")
    counted = rows(engine)["bridge"].metrics
    assert counted["process_resident_memory_bytes"] > 1e6
    eventually(
        lambda: rows(engine)["bridge"].metrics["citywx_bridge_lines_total{fate=published}"] == 50,
        "the bridge has counted every line",
    )
    assert {process for process, _ in samples(engine)} == {"bridge", "alerter", "recorder"}
    stream.kill("alerter")
    eventually(lambda: rows(engine)["alerter"].state == "lost", "its last will is recorded")
    assert stream.stop("bridge") == 0
    eventually(lambda: rows(engine)["bridge"].state == "stopped", "it says that it stops")
    with engine.connect() as connection:
        assert len(connection.execute(select(live_readings)).all()) == 50
    assert stream.stop("recorder") == 0
    assert "Traceback" not in stream.output("recorder")
