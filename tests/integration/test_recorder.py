"""Readings and alerts reach PostgreSQL once, whatever is killed or comes late."""

import json
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Engine, create_engine, func, make_url, select, text

from citywx.home import Home
from citywx.settings import Settings
from citywx.staging.position import Checkpoint, Position, load_checkpoint
from citywx.warehouse.database import migrate
from citywx.warehouse.tables import alert_events, alerts, live_readings
from citywx.weather.reading import Reading, format_timestamp
from streaming.broker import Broker
from streaming.dagster_report import DagsterReport
from streaming.live_writer import Batch, LiveWriter
from streaming.messages import LogReading
from streaming.mqtt import Connection
from streaming.process import Process
from streaming.recorder import Recorder
from streaming.recorder_tables import (
    load_position,
    prune_live,
    record_events,
    save_position,
    write_alerts,
)
from tests.support.log_messages import START, append, line
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer
from tests.support.stream import Stream, eventually

pytestmark = pytest.mark.integration


def item(number: int, value: float, *, offset: int | None = None) -> LogReading:
    reading = Reading(START + timedelta(minutes=number), "Oslo", temperature_c=value)
    place = number * 10 if offset is None else offset
    return LogReading(reading, "000001-abc", place, place + 10)


def live(engine: Engine) -> list[float | None]:
    with engine.connect() as connection:
        query = select(live_readings.c.temperature_c).order_by(live_readings.c.timestamp)
        return list(connection.scalars(query))


def write(writer: LiveWriter, *items: LogReading) -> None:
    writer.add(items)
    writer.finish()
    writer.commit()


def test_the_last_line_of_one_identity_rules(engine: Engine) -> None:
    writer = LiveWriter(engine)
    write(writer, item(0, 1.0), item(1, 2.0), item(0, 3.0, offset=20))
    assert live(engine) == [3.0, 2.0]
    write(writer, item(1, 4.0, offset=30))
    assert live(engine) == [3.0, 4.0]


def test_what_was_written_before_a_start_is_corrected_and_not_met_again(engine: Engine) -> None:
    write(LiveWriter(engine), item(0, 1.0), item(5, 2.0))
    again = LiveWriter(engine)
    write(again, item(0, 3.0), item(5, 4.0), item(3, 5.0), item(6, 6.0), item(6, 7.0))
    assert live(engine) == [3.0, 5.0, 4.0, 7.0]


def test_rows_are_streamed_as_they_come_and_seen_when_they_are_committed(engine: Engine) -> None:
    writer = LiveWriter(engine)
    writer.add([item(0, 1.0)])
    writer.add([])
    writer.add([item(1, 2.0), item(0, 3.0, offset=20)])
    assert writer.batch == Batch(3, START + timedelta(minutes=1))
    assert live(engine) == []
    writer.finish()
    writer.commit()
    assert live(engine) == [3.0, 2.0]
    assert writer.batch == Batch(0, None)


def test_a_discarded_batch_leaves_nothing_and_can_be_written_again(engine: Engine) -> None:
    writer = LiveWriter(engine)
    writer.add([item(0, 1.0), item(1, 2.0)])
    writer.discard()
    assert live(engine) == []
    write(writer, item(0, 1.0), item(1, 2.0), item(2, 3.0))
    assert live(engine) == [1.0, 2.0, 3.0]
    writer.discard()
    assert live(engine) == [1.0, 2.0, 3.0]


def test_a_batch_whose_connection_was_cut_is_discarded_without_a_word(engine: Engine) -> None:
    writer = LiveWriter(engine)
    writer.add([item(0, 1.0)])
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY live%'"
    with engine.begin() as connection:
        assert connection.scalar(text(cut))
    writer.discard()
    write(writer, item(0, 2.0))
    assert live(engine) == [2.0]


def test_rows_and_position_stand_or_fall_together(engine: Engine) -> None:
    place = Checkpoint(Position("000001-abc", 10), "ff")
    writer = LiveWriter(engine)
    writer.add([item(0, 1.0)])
    save_position(writer.finish(), "recorder", place)
    writer.discard()
    with engine.connect() as connection:
        assert load_position(connection, "recorder") is None
    writer.add([item(0, 1.0)])
    save_position(writer.finish(), "recorder", place)
    writer.commit()
    with engine.connect() as connection:
        assert load_position(connection, "recorder") == place
    assert live(engine) == [1.0]


def test_the_position_is_noted_for_others_also_while_rows_keep_coming(
    engine: Engine, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, home_name="test")
    home = Home.named(settings, "test")
    connection = Connection(Broker("127.0.0.1", free_port()), "nobody")
    recorder = Recorder(Process("recorder", settings, home), engine, connection)
    append(home.readings_csv, line(0))

    def after_a_step(holds: Callable[[], bool]) -> bool:
        recorder.step()
        return holds()

    eventually(lambda: after_a_step(lambda: live(engine) == [20.0]), "it has recorded a row")
    size = home.readings_csv.stat().st_size
    append(home.readings_csv, line(1))
    recorder._consumer.look()
    recorder._hint_at = 0.0  # it is due
    eventually(lambda: after_a_step(lambda: recorder._writer.batch.rows == 1), "a batch is open")
    recorder.close()
    connection.close()
    noted = load_checkpoint(home.state / "positions" / "recorder.json")
    assert noted is not None
    assert noted.position.offset == size


def test_live_rows_that_the_batch_has_are_pruned(engine: Engine) -> None:
    write(LiveWriter(engine), item(0, 1.0), item(1, 2.0))
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE IF NOT EXISTS weather_readings_test PARTITION OF weather_readings "
                "FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO weather_readings (timestamp, city, source) "
                "VALUES (:moment, 'Oslo', 'csv')"
            ),
            {"moment": START},
        )
    with engine.begin() as connection:
        assert prune_live(connection) == 1
    assert live(engine) == [2.0]


def test_readings_and_alerts_reach_the_database_once(
    stream: Stream, engine: Engine, database_url: str
) -> None:
    stream.environment["DATABASE_URL"] = database_url
    append(stream.log, *(line(n, 25.0 if n % 2 else 20.0) for n in range(400)))
    stream.start("bridge", "alerter", "recorder")
    eventually(lambda: len(live(engine)) == 400, "all rows are recorded")
    append(stream.log, *(line(n, 25.0 if n % 2 else 20.0) for n in range(400, 800)))
    stream.kill("recorder")
    append(stream.log, *(line(n, 25.0 if n % 2 else 20.0) for n in range(800, 1000)))
    stream.start("recorder")

    def alert_count() -> int:
        with engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(alert_events)) or 0

    eventually(lambda: len(live(engine)) == 1000, "the recorder catches up")
    eventually(lambda: alert_count() == 999, "every event is a row")
    assert live(engine) == [25.0 if n % 2 else 20.0 for n in range(1000)]
    assert stream.stop("recorder") == 0
    assert stream.position("recorder") == stream.log.stat().st_size


def test_a_torn_or_replaced_alerts_log_is_read_again_without_harm(
    stream: Stream, engine: Engine
) -> None:
    stream.start("alerter")
    append(stream.log, line(0, 25.0), line(1, 20.0))
    eventually(lambda: len(stream.events()) == 2, "two events are written")
    stream.kill("alerter")
    path = stream.home / "alerts.ndjson"
    with path.open("ab") as file:
        file.write(b'{"alert_id": "torn')
    for expected in (2, 0, 2):
        with engine.begin() as connection:
            assert write_alerts(connection, path) == expected
        if expected == 0:
            path.write_bytes(b"\n" + path.read_bytes())
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(alert_events)) == 2
        assert connection.scalar(select(func.count()).select_from(alerts)) == 1


def told(event: str, minute: int, **changes: object) -> dict[str, object]:
    """A line of `alerts.ndjson`."""
    at = format_timestamp(START + timedelta(minutes=minute))
    body = {
        "alert_id": "a",
        "event": event,
        "rule_id": "heat",
        "kind": "rule",
        "city": "Oslo",
        "severity": "warning",
        "metric": "temperature_c",
        "value": 36.0,
        "limit": 35.0,
        "message": f"Heat {event}",
        "advice": "Drink",
        "observed_at": at,
        "started_at": format_timestamp(START),
        "decided_at": at,
        "peak": 36.0,
        "peak_at": at,
        "readings": minute,
        "suspect": False,
        "notify": True,
        "inhibited_by": ["storm"],
        "details": {"reason": None},
        "latency_ms": 0.5,
        "segment": "000001-abc",
        "offset": 10,
    }
    return body | changes


def test_an_alert_is_one_row_as_its_events_leave_it(engine: Engine) -> None:
    story = [
        told("pending", 0),
        told("fired", 10),
        told("escalated", 20, severity="severe", value=41.0, peak=41.0),
        told("eased", 30, value=37.0, peak=41.0),
        told("resolved", 40, value=30.0, peak=41.0, notify=False),
    ]
    with engine.begin() as connection:
        for rows in (story[:2], story[2:3], story[2:]):
            assert record_events(connection, rows) == len(rows)
        assert record_events(connection, story) == 5  # again: nothing changes
        (alert,) = connection.execute(select(alerts)).all()
        numbers = connection.execute(
            select(alert_events.c.event).order_by(alert_events.c.event_no)
        ).scalars()
        assert list(numbers) == ["pending", "fired", "escalated", "eased", "resolved"]
    assert (alert.state, alert.severity, alert.worst_severity) == ("resolved", "warning", "severe")
    assert (alert.started_at, alert.fired_at) == (START, START + timedelta(minutes=10))
    assert alert.resolved_at == alert.last_observed_at == START + timedelta(minutes=40)
    assert (alert.value, alert.peak, alert.readings, alert.notify) == (30.0, 41.0, 40, True)
    assert (alert.inhibited_by, alert.details) == (["storm"], {"reason": None})


def test_an_event_of_the_first_version_is_recorded_too(engine: Engine) -> None:
    known = ("alert_id", "event", "rule_id", "city", "severity", "metric", "value", "limit")
    old = ("message", "observed_at", "decided_at", "latency_ms", "segment", "offset")
    body = {name: value for name, value in told("fired", 0).items() if name in (*known, *old)}
    with engine.begin() as connection:
        assert record_events(connection, [body, {"tick": "x"}, {"rules": "y"}]) == 1
        (alert,) = connection.execute(select(alerts)).all()
    assert (alert.state, alert.kind, alert.notify, alert.started_at) == (
        "firing",
        "rule",
        False,
        START,
    )


def test_the_recorder_waits_for_the_schema(stream: Stream, postgres_server: PostgresServer) -> None:
    url = postgres_server.url(postgres_server.create_database())
    stream.environment["DATABASE_URL"] = url
    append(stream.log, line(0))
    stream.start("recorder")
    eventually(
        lambda: "database's schema" in stream.output("recorder"), "it says what it waits for"
    )
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    migrate(engine)
    eventually(lambda: live(engine) == [20.0], "it records")
    engine.dispose()
    assert stream.stop("recorder") == 0
    assert "Traceback" not in stream.output("recorder")


def test_it_goes_on_when_its_database_connections_were_cut(
    stream: Stream, engine: Engine, database_url: str
) -> None:
    stream.environment["DATABASE_URL"] = database_url
    append(stream.log, line(0))
    stream.start("recorder")
    eventually(lambda: len(live(engine)) == 1, "it records")
    for number in range(1, 20):
        append(stream.log, line(number))
        with engine.begin() as connection:
            connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'citywx recorder'"
                )
            )
    eventually(lambda: len(live(engine)) == 20, "it records all")
    assert stream.stop("recorder") == 0
    assert "Traceback" not in stream.output("recorder")


def test_it_begins_its_batch_anew_when_another_wrote_a_row_of_it(
    stream: Stream, engine: Engine, database_url: str
) -> None:
    stream.environment["DATABASE_URL"] = database_url
    append(stream.log, line(0))
    stream.start("recorder")
    eventually(lambda: len(live(engine)) == 1, "it records")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO live_readings (city, timestamp, source, segment, byte_offset) "
                "SELECT city, timestamp + interval '1 minute', source, segment, 0 "
                "FROM live_readings"
            )
        )
    append(stream.log, line(1, 25.0), line(2, 26.0))
    eventually(lambda: live(engine) == [20.0, 25.0, 26.0], "it records all")
    assert stream.stop("recorder") == 0
    assert "another process has written rows" in stream.output("recorder")
    assert "Traceback" not in stream.output("recorder")


class _Dagster(BaseHTTPRequestHandler):
    reports: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.reports.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None: ...


def test_dagster_is_told_what_was_written(
    stream: Stream, engine: Engine, database_url: str
) -> None:
    _Dagster.reports = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Dagster)
    Thread(target=server.serve_forever, daemon=True).start()
    stream.environment["DATABASE_URL"] = database_url
    stream.environment["DAGSTER_URL"] = f"http://127.0.0.1:{server.server_port}"
    append(stream.log, line(0), line(1))
    stream.start("recorder")
    eventually(lambda: len(_Dagster.reports) == 1, "a report comes")
    path, body = _Dagster.reports[0]
    assert path == "/report_asset_materialization/live_readings"
    assert body == b'{"metadata": {"rows": 2, "last_timestamp": "2026-03-01T00:01:00Z"}}'
    assert live(engine) == [20.0, 20.0]
    server.shutdown()
    server.server_close()


def test_what_dagster_did_not_take_is_reported_with_the_next() -> None:
    report = DagsterReport("http://127.0.0.1:9", every=0)
    report.note(2, 0, START)
    report.send_if_due(0)
    eventually(lambda: report._background.idle, "it fails")
    _Dagster.reports = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Dagster)
    Thread(target=server.serve_forever, daemon=True).start()
    report._url = f"http://127.0.0.1:{server.server_port}"
    report.note(3, 0, START)
    report.send_if_due(1)
    report.stop()
    assert [json.loads(body)["metadata"]["rows"] for _, body in _Dagster.reports] == [5]
    server.shutdown()
    server.server_close()
