"""The alerter in one process, with a broker that is never there."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citywx.anomaly_file import write_models
from citywx.home import Home
from citywx.settings import Settings
from citywx.weather.anomalies.model import Models
from citywx.weather.anomalies.training import learn_cities
from citywx.weather.reading import Reading, format_timestamp, to_csv_line
from streaming.alerter import Alerter
from streaming.broker import Broker
from streaming.mqtt import Connection
from streaming.process import Process
from tests.support.hourly_weather import BEGIN, history_of, hourly_weather, readings_of
from tests.support.log_messages import append, line
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]


class Bench:
    """Makes alerters on one home, one after the other."""

    def __init__(self, tmp_path: Path) -> None:
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path,
            home_name="test",
            alert_rules=ROOT / "tests/support/above_23.toml",
        )
        self.home = Home.named(settings, "test")
        self.process = Process("alerter", settings, self.home)

    def alerter(self) -> Alerter:
        connection = Connection(Broker("127.0.0.1", free_port()), "nobody")
        return Alerter(self.process, connection)

    def events(self) -> int:
        path = self.home.alerts_log
        return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def waves(first: int, count: int) -> list[bytes]:
    return [line(n, 25.0 if n % 2 else 20.0) for n in range(first, first + count)]


def judge(alerter: Alerter) -> None:
    alerter.step()
    while alerter._consumer.behind:
        alerter.step()


def test_without_a_broker_alerts_are_still_written(bench: Bench) -> None:
    append(bench.home.readings_csv, *waves(0, 10))
    alerter = bench.alerter()
    judge(alerter)
    assert bench.events() == 9
    alerter.stop()
    alerter.close()


def test_it_continues_where_it_stopped(bench: Bench) -> None:
    append(bench.home.readings_csv, *waves(0, 10))
    first = bench.alerter()
    judge(first)
    first.stop()
    first.close()
    append(bench.home.readings_csv, *waves(10, 4))
    second = bench.alerter()
    judge(second)
    second.close()
    assert bench.events() == 13


def test_killed_before_its_snapshot_it_writes_no_event_twice(bench: Bench) -> None:
    append(bench.home.readings_csv, *waves(0, 10))
    first = bench.alerter()
    judge(first)
    first.close()  # as after a kill: events are written, no snapshot is
    second = bench.alerter()
    judge(second)
    second.close()
    assert bench.events() == 9


def test_while_the_disk_is_full_it_waits_and_loses_no_event(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    append(bench.home.readings_csv, *waves(0, 10))
    first = bench.alerter()
    working = first._log.append
    calls = 0

    def full_disk(lines: list[bytes]) -> None:
        nonlocal calls
        calls += 1
        if calls in (4, 5):
            raise OSError(28, "No space left on device")
        working(lines)

    first._log.append = full_disk  # type: ignore[method-assign]
    judge(first)
    first.stop()
    first.close()
    assert bench.events() == 9
    assert caplog.text.count("No space left") == 1


def test_older_readings_that_come_late_alert_nobody(bench: Bench) -> None:
    append(bench.home.readings_csv, line(10, 20.0), line(11, 25.0), line(3, 30.0), line(4, 10.0))
    alerter = bench.alerter()
    judge(alerter)
    alerter.close()
    assert bench.events() == 1


def test_alerts_about_weather_of_long_ago_are_recorded_and_nobody_is_written_to(
    bench: Bench,
) -> None:
    with_rules(bench, (ROOT / "alerts.toml").read_text())
    now = datetime.now(UTC)
    times = (now - timedelta(days=400), now - timedelta(hours=25), now - timedelta(hours=1))
    heat = [to_csv_line(Reading(time, city, 36.0)) for time, city in zip(times, "ABC", strict=True)]
    append(bench.home.readings_csv, *heat)
    alerter = bench.alerter()
    judge(alerter)
    alerter.close()
    events = [json.loads(line) for line in bench.home.alerts_log.read_bytes().splitlines()]
    told = {event["city"]: event["notify"] for event in events if event["rule_id"] == "heat"}
    assert told == {"A": False, "B": False, "C": True}


SILENCE = """
[[rule]]
id = "silence"
silent_for = "1h"
severity = "warning"
message = "No readings"
"""


def bodies(bench: Bench) -> list[dict[str, object]]:
    return [json.loads(line) for line in bench.home.alerts_log.read_bytes().splitlines()]


def with_rules(bench: Bench, text: str) -> Path:
    path = bench.home.path / "rules.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    bench.process.settings = bench.process.settings.model_copy(update={"alert_rules": path})
    return path


def test_silence_is_told_by_the_clock_once_and_again_after_a_crash_at_its_place(
    bench: Bench,
) -> None:
    with_rules(bench, SILENCE)
    append(bench.home.readings_csv, line(0, 20.0))
    first = bench.alerter()
    judge(first)
    first._tick()
    first._tick()
    first.close()  # no snapshot
    tick, fired = bodies(bench)
    assert (tick["offset"], tick["segment"]) == (fired["offset"], fired["segment"])
    assert (fired["rule_id"], fired["event"], fired["notify"]) == ("silence", "fired", False)
    append(bench.home.readings_csv, line(1, 20.0))
    second = bench.alerter()
    judge(second)
    second.close()
    assert [(body.get("event"), body.get("alert_id")) for body in bodies(bench)] == [
        (None, None),
        ("fired", fired["alert_id"]),
        ("resolved", fired["alert_id"]),
    ]


def test_anomalies_are_scored_once_there_are_models_and_after_all_rules(bench: Bench) -> None:
    with_rules(bench, "[anomaly]\n" + (ROOT / "tests/support/above_23.toml").read_text())
    weather = hourly_weather(62)
    weather[60 * 24 :, 0] += 15  # the sensor is off from here
    readings = readings_of(weather[58 * 24 :], first=58 * 24)
    append(bench.home.readings_csv, *map(to_csv_line, readings[:5]))
    alerter = bench.alerter()
    judge(alerter)
    learnt = learn_cities({"Oslo": history_of(weather[: 58 * 24])})
    write_models(bench.home.anomaly_models, Models(BEGIN, learnt.models, learnt.without))
    alerter._tick()
    append(bench.home.readings_csv, *map(to_csv_line, readings[5:]))
    alerter._consumer.look()
    judge(alerter)
    alerter.close()
    events = [body for body in bodies(bench) if body["kind"] == "anomaly"]
    assert events[0]["event"] == "fired"
    assert str(events[0]["observed_at"]) >= format_timestamp(readings[48].timestamp)
    assert "temperature_c" in json.dumps(events[0]["details"])


def test_changed_rules_are_taken_up_without_losing_what_fires(bench: Bench) -> None:
    path = with_rules(bench, (ROOT / "alerts.toml").read_text())
    append(bench.home.readings_csv, line(0, 25.0))
    alerter = bench.alerter()
    judge(alerter)
    path.write_text(path.read_text() + '\n[[rule]]\nid = "humid"\n')
    alerter.reload()  # wrong: the old rules stay
    append(bench.home.readings_csv, line(1, 26.0))
    judge(alerter)
    path.write_text(SILENCE)
    alerter.reload()
    alerter.close()
    fired, ended, changed = bodies(bench)
    assert (fired["event"], ended["event"]) == ("fired", "resolved")
    assert fired["alert_id"] == ended["alert_id"]
    assert str(ended["message"]).endswith("its rule was removed or changed")
    assert len(str(changed["rules"])) == 64
