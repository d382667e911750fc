"""CSV → bridge → Mosquitto → alerter, with real processes: nothing lost, nothing double."""

import base64
import json
from pathlib import Path

import pytest

from citywx.local_stack.broker import mosquitto_acl
from streaming.broker import Message
from streaming.messages import ALERTS, READINGS, REJECTED, alert_state_topic
from tests.support.log_messages import HEADER, append, line
from tests.support.mosquitto import BrokerServer
from tests.support.stream import ROOT, Listener, Stream, eventually

pytestmark = pytest.mark.integration
BAD_FILES = sorted((ROOT.parent / "shared" / "data" / "bad").glob("*.csv"))


def waves(first: int, count: int) -> list[bytes]:
    """Readings that cross 23 °C up and down: each pair fires and resolves one alert."""
    return [line(n, 25.0 if n % 2 else 20.0) for n in range(first, first + count)]


def assert_each_alert_once(stream: Stream, alerts: int) -> None:
    keys = [(event["alert_id"], event["event"]) for event in stream.events()]
    assert len(keys) == len(set(keys))
    assert sum(event == "fired" for _, event in keys) == alerts


def test_a_csv_line_becomes_an_alert(stream: Stream) -> None:
    append(stream.log, line(0, 20.0))
    listener = stream.listen(ALERTS)
    stream.start("bridge", "alerter")
    eventually(lambda: stream.position("alerter") > 0, "the alerter has read the log")
    append(stream.log, line(1, 25.0))
    eventually(lambda: len(listener.bodies(ALERTS)) == 1, "the alert is published")
    (alert,) = listener.bodies(ALERTS)
    assert (alert["event"], alert["rule_id"], alert["city"]) == ("fired", "above-23", "Oslo")
    assert (alert["value"], alert["limit"], alert["severity"]) == (25.0, 23.0, "info")
    assert alert["observed_at"] == "2026-03-01T00:01:00Z"
    assert alert["latency_from"] == "write"
    assert isinstance(alert["latency_ms"], float)
    assert stream.events() == [alert]
    late = stream.listen(alert_state_topic("above-23", "Oslo"))
    eventually(lambda: len(late.listen()) == 1, "a late subscriber learns the state")
    assert late.heard[0].retained
    assert json.loads(late.heard[0].payload) == alert


def test_without_mosquitto_amqtt_carries_the_same(amqtt: BrokerServer, tmp_path: Path) -> None:
    stream = Stream(amqtt, tmp_path, {"MQTT_PROTOCOL": "4"})
    append(stream.log, *waves(0, 100))
    listener = Listener(amqtt.port, ALERTS, protocol=4)
    stream.start("bridge", "alerter")
    try:
        size = stream.log.stat().st_size
        eventually(lambda: stream.position("bridge") == size, "every line is acknowledged")
        eventually(lambda: len(listener.bodies(ALERTS)) >= 99, "every alert is heard")
        assert_each_alert_once(stream, 50)
        forger = Listener(amqtt.port, protocol=4)
        forger._connection.publish(Message(ALERTS, b"{}"))
        append(stream.log, *waves(100, 2))
        eventually(lambda: len(stream.events()) == 101, "later lines arrive too")
        assert {} not in listener.bodies(ALERTS)
        forger.close()
    finally:
        listener.close()
        for name in list(stream.running):
            stream.kill(name)


def test_rejected_lines_are_published_and_passed(stream: Stream) -> None:
    append(stream.log, line(0), b"nonsense,\xff\n", b"\n", line(1))
    listener = stream.listen(READINGS, REJECTED)
    stream.start("bridge")
    size = stream.log.stat().st_size
    eventually(lambda: stream.position("bridge") == size, "the position passes every line")
    eventually(lambda: len(listener.listen()) == 3, "every message comes")
    assert len(listener.bodies(READINGS)) == 2
    (rejected,) = listener.bodies(REJECTED)
    assert rejected["reason"] == "not UTF-8 at byte 9"


def test_every_kind_of_bad_line_is_told_and_costs_no_good_one(stream: Stream) -> None:
    bad = {
        b"2026-03-01T00:00:00Z,Oslo," + b"9" * 20_000: "longer than 16 KiB",
        b"2026-03-01T00:00:00Z,Os\x00lo,1,2,3,4,fog,csv,": "contains NUL bytes",
        b"2026-03-01T00:00:00Z,Oslo,1": "expected 9 fields, got 3",
        b"2026-03-01T00:00:00Z,Oslo,inf,2,3,4,fog,csv,": "temperature_c 'inf' is not a number",
        b'2026-03-01T00:00:00Z,"Oslo,1,2,3,4,fog,csv,': "malformed quoting",
        b"2099-01-01T00:00:00Z,Oslo,1,2,3,4,fog,csv,": "is in the future",
        b"1999-01-01T00:00:00Z,Oslo,1,2,3,4,fog,csv,": "is before 2010-01-01",
        b"2026-03-01T00:00:00Z,,1,2,3,4,fog,csv,": "city is empty",
    }
    append(
        stream.log, line(0), *(raw + b"\n" for raw in bad), HEADER, b"\r\n", line(1), line(2)[:30]
    )
    listener = stream.listen(READINGS, REJECTED)
    stream.start("bridge")
    whole = stream.log.stat().st_size - 30
    eventually(lambda: stream.position("bridge") == whole, "it stands before the unfinished line")
    eventually(lambda: len(listener.listen()) == 2 + len(bad), "every message comes")
    assert len(listener.bodies(READINGS)) == 2
    told = listener.bodies(REJECTED)
    assert len(told) == len(bad)
    for body, (raw, reason) in zip(told, bad.items(), strict=True):
        assert reason in str(body["reason"])
        assert base64.b64decode(str(body["raw_base64"])) == raw[: 4 * 1024]
    append(stream.log, line(2)[30:])
    eventually(lambda: len(listener.bodies(READINGS)) == 3, "the finished line follows")


def test_every_process_says_where_it_is_and_when_it_stops(stream: Stream) -> None:
    append(stream.log, line(0))
    listener = stream.listen("weather/status/+")
    stream.start("bridge", "alerter")

    def states(process: str) -> list[object]:
        return [body["state"] for body in listener.bodies(f"weather/status/{process}")]

    eventually(lambda: "running" in states("bridge") and "running" in states("alerter"), "they run")
    assert stream.stop("bridge") == 0
    eventually(lambda: states("bridge")[-1] == "stopped", "the bridge says that it stopped")
    stream.kill("alerter")
    eventually(lambda: states("alerter")[-1] == "lost", "the broker sends the alerter's will")


@pytest.mark.parametrize("name", ["bridge", "alerter"])
def test_a_second_instance_refuses_to_start(stream: Stream, name: str) -> None:
    append(stream.log, line(0))
    stream.start(name)
    eventually(lambda: stream.position(name) > 0, "the first one works")
    first = stream.running.pop(name)
    stream.start(name)
    assert stream.running.pop(name).wait(10) == 2
    assert "stop it first" in stream.output(name)
    stream.running[name] = first


def test_wrong_rules_are_told_in_one_line(stream: Stream) -> None:
    rules = stream.data_dir / "rules.toml"
    rules.write_text('[[rule]]\nid = "heat"\nmetric = "rain"\n')
    stream.environment["ALERT_RULES"] = str(rules)
    stream.start("alerter")
    assert stream.running.pop("alerter").wait(10) == 2
    assert "rule 'heat': metric must be one of" in stream.output("alerter")
    assert "Traceback" not in stream.output("alerter")


@pytest.mark.parametrize("victim", ["bridge", "alerter"])
def test_killed_in_the_middle_nothing_is_lost_or_doubled(stream: Stream, victim: str) -> None:
    stream.start("bridge", "alerter")
    rows = 0
    for _ in range(3):
        for _ in range(10):
            append(stream.log, *waves(rows, 50))
            rows += 50
        reached = stream.position(victim)
        eventually(lambda since=reached: stream.position(victim) > since, "it makes progress")
        stream.kill(victim)
        append(stream.log, *waves(rows, 100))
        rows += 100
        stream.start(victim)
    size = stream.log.stat().st_size
    eventually(lambda: stream.position("alerter") == size, "the alerter has judged everything")
    eventually(lambda: stream.position("bridge") == size, "the bridge has published everything")
    assert_each_alert_once(stream, rows // 2)


def test_a_broker_restart_loses_and_doubles_nothing(stream: Stream) -> None:
    stream.start("bridge", "alerter")
    append(stream.log, *waves(0, 200))
    eventually(lambda: stream.position("bridge") > 0, "the bridge publishes")
    stream.broker.stop()
    append(stream.log, *waves(200, 200))
    eventually(lambda: len(stream.events()) >= 399, "the alerter reads the log by itself")
    held = stream.position("bridge")
    assert held < stream.log.stat().st_size
    stream.broker.start()
    append(stream.log, *waves(400, 200))
    size = stream.log.stat().st_size
    eventually(lambda: stream.position("bridge") == size, "the bridge catches up")
    eventually(lambda: stream.position("alerter") == size, "the alerter catches up")
    assert_each_alert_once(stream, 300)


def test_a_refused_publish_holds_the_position_until_it_is_allowed(stream: Stream) -> None:
    append(stream.log, line(0), line(1))
    acl = stream.broker.folder / "acl"
    acl.write_text("user citywx\ntopic readwrite weather/status/#\n")
    stream.broker.stop()
    stream.broker.start()
    stream.start("bridge")
    eventually(lambda: "refuses messages" in stream.output("bridge"), "the bridge alarms")
    assert stream.position("bridge") <= len(HEADER)
    acl.write_text(mosquitto_acl())
    stream.broker.stop()
    stream.broker.start()
    size = stream.log.stat().st_size
    eventually(lambda: stream.position("bridge") == size, "the position moves on")


def test_anonymous_clients_may_read_and_not_publish(stream: Stream) -> None:
    append(stream.log, line(0))
    forger = stream.listen(READINGS)
    forger._connection.publish(Message(READINGS, b"forged"))
    stream.start("bridge")
    eventually(lambda: len(forger.listen()) == 1, "it hears the bridge")
    assert b"forged" not in forger.heard[0].payload


if BAD_FILES:
    EXPECTED = json.loads((BAD_FILES[0].parent / "expected.json").read_text())

    def test_bad_files_give_the_expected_counts(stream: Stream) -> None:
        *closed, newest = [*BAD_FILES[1:], BAD_FILES[0]]  # an unfinished line waits in the newest
        stream.log.parent.mkdir(parents=True)
        names = {}
        for number, path in enumerate(closed, 1):
            names[number] = path.name
            stream.log.with_name(f"readings-{number:06d}.csv").write_bytes(path.read_bytes())
        names[len(closed) + 1] = newest.name
        stream.log.write_bytes(newest.read_bytes())
        listener = stream.listen(READINGS, REJECTED)
        stream.start("bridge")

        def counts() -> dict[str, tuple[int, int]]:
            accepted = {
                (_sequence(b), b["city"], b["timestamp"]) for b in listener.bodies(READINGS)
            }
            rejected = [_sequence(b) for b in listener.bodies(REJECTED)]
            return {
                name: (sum(key[0] == number for key in accepted), rejected.count(number))
                for number, name in names.items()
            }

        # In a segment that is closed the unfinished line will never be whole: it is rejected.
        wanted = {
            name: (about["accept"], about["reject"] + about["pending_tail"] * (name != newest.name))
            for name, about in EXPECTED.items()
        }
        eventually(lambda: counts() == wanted, f"{wanted}")
        assert stream.stop("bridge") == 0
        assert counts() == wanted


def _sequence(body: dict[str, object]) -> int:
    return int(str(body["segment"]).partition("-")[0])
