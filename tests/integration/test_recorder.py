"""Readings and alerts reach PostgreSQL once, whatever is killed or comes late."""

import json
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from sqlalchemy import Engine, create_engine, func, make_url, select, text

from citywx.staging.position import Checkpoint, Position
from citywx.warehouse.database import migrate
from citywx.warehouse.tables import alerts, live_readings
from citywx.weather.reading import Reading
from streaming.dagster_report import DagsterReport
from streaming.messages import LogReading
from streaming.recorder_tables import (
    load_position,
    prune_live,
    save_position,
    write_alerts,
    write_readings,
)
from tests.support.log_messages import START, append, line
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


def test_the_last_line_of_one_identity_rules(engine: Engine) -> None:
    with engine.begin() as connection:
        write_readings(connection, [item(0, 1.0), item(1, 2.0), item(0, 3.0, offset=20)])
    assert live(engine) == [3.0, 2.0]
    with engine.begin() as connection:
        write_readings(connection, [item(1, 4.0, offset=30)])
    assert live(engine) == [3.0, 4.0]


def test_rows_and_position_stand_or_fall_together(engine: Engine) -> None:
    place = Checkpoint(Position("000001-abc", 10), "ff")
    with engine.connect() as connection:
        write_readings(connection, [item(0, 1.0)])
        save_position(connection, "recorder", place)
        connection.rollback()
    with engine.begin() as connection:
        assert load_position(connection, "recorder") is None
        write_readings(connection, [item(0, 1.0)])
        save_position(connection, "recorder", place)
    with engine.connect() as connection:
        assert load_position(connection, "recorder") == place
    assert live(engine) == [1.0]


def test_live_rows_that_the_batch_has_are_pruned(engine: Engine) -> None:
    with engine.begin() as connection:
        write_readings(connection, [item(0, 1.0), item(1, 2.0)])
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
            return connection.scalar(select(func.count()).select_from(alerts)) or 0

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
        assert connection.scalar(select(func.count()).select_from(alerts)) == 2


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
