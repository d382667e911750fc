"""The broker of Compose, from its deployed files: who may do what, limits, and a restart."""

import os
import subprocess
from contextlib import suppress

import pytest
import yaml

from streaming.broker import Broker, Message
from tests.support.deployed_broker import DEPLOYED, Clients, DeployedBroker

pytestmark = pytest.mark.integration

NOT_AUTHORIZED = 0x87
DROPPED = "$SYS/broker/publish/messages/dropped"
UPTIME = "$SYS/broker/uptime"
PUBLISHED_BY = {
    "weather/readings": "bridge",
    "weather/readings/batch": "bridge",
    "weather/rejected": "bridge",
    "weather/status/bridge": "bridge",
    "weather/replay/response/citywx-alerter": "bridge",
    "weather/replay/response/citywx-recorder": "bridge",
    "weather/alerts": "alerter",
    "weather/alerts/state/heat/Cairo": "alerter",
    "weather/status/alerter": "alerter",
    "weather/status/recorder": "recorder",
    "weather/replay/request": "recorder",
    "weather/notices": "notifier",
}
WRITES = {
    "bridge": {topic for topic, user in PUBLISHED_BY.items() if user == "bridge"},
    "alerter": {topic for topic, user in PUBLISHED_BY.items() if user == "alerter"}
    | {"weather/replay/request"},
    "recorder": {"weather/status/recorder", "weather/replay/request"},
    "notifier": {"weather/notices"},
    "viewer": set(),
    "healthcheck": set(),
}
_READINGS = {"weather/readings", "weather/readings/batch"}
READS = {
    "bridge": {"weather/replay/request", "weather/status/alerter", DROPPED},
    "alerter": _READINGS | {"weather/replay/response/citywx-alerter"},
    "recorder": _READINGS
    | {"weather/replay/response/citywx-recorder"}
    | {f"weather/status/{name}" for name in ("bridge", "alerter", "recorder")},
    "notifier": set(),
    "viewer": set(PUBLISHED_BY),
    "healthcheck": {UPTIME},
}
TOPICS = (*PUBLISHED_BY, "weather/other", "elsewhere")


@pytest.mark.parametrize("user", READS)
def test_a_user_publishes_what_it_may_and_is_refused_all_else(
    user: str, compose_broker: DeployedBroker, clients: Clients
) -> None:
    client = clients(compose_broker.address(user)).up()
    codes = {topic: client.publish(topic).code for topic in TOPICS}
    assert {topic for topic, code in codes.items() if code < 0x80} == WRITES[user]
    assert {code for code in codes.values() if code >= 0x80} == {NOT_AUTHORIZED}


@pytest.mark.parametrize("user", READS)
def test_a_user_hears_what_it_may_read_and_nothing_else(
    user: str, compose_broker: DeployedBroker, clients: Clients
) -> None:
    """Mosquitto grants every subscription; it looks at the rules when it delivers."""
    listener = clients(compose_broker.address(user), *TOPICS, DROPPED, UPTIME).up()
    for topic, publisher in PUBLISHED_BY.items():
        clients(compose_broker.address(publisher)).up().publish(topic)
    listener.listen_until(
        lambda heard: {message.topic for message in heard} >= READS[user], "it hears its topics"
    )
    assert {message.topic for message in listener.heard} == READS[user]


@pytest.mark.parametrize("user", READS)
def test_a_wildcard_brings_no_more_than_the_topics_themselves(
    user: str, compose_broker: DeployedBroker, clients: Clients
) -> None:
    listener = clients(compose_broker.address(user), "#", "$SYS/#").up()
    for topic, publisher in PUBLISHED_BY.items():
        clients(compose_broker.address(publisher)).up().publish(topic)
    listener.listen_until(
        lambda heard: {message.topic for message in heard} >= READS[user], "it hears its topics"
    )
    assert {message.topic for message in listener.heard} == READS[user]


@pytest.mark.parametrize(
    ("user", "password"), [(None, None), ("bridge", "wrong-password"), ("nobody", "x")]
)
def test_strangers_are_refused_and_their_password_is_told_to_nobody(
    user: str | None,
    password: str | None,
    compose_broker: DeployedBroker,
    clients: Clients,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stranger = clients(Broker("127.0.0.1", compose_broker.port, user, password), "weather/#")
    stranger.listen_until(lambda _: "refuses the connection" in caplog.text, "it is refused")
    assert not stranger.connection.ready
    assert "Not authorized" in caplog.text
    assert "wrong-password" not in caplog.text


def test_a_packet_over_the_cap_is_refused_and_one_below_it_passes(
    compose_broker: DeployedBroker, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    bridge = clients(compose_broker.address("bridge")).up()
    assert bridge.publish("weather/readings", b"x" * 130_000).accepted
    with suppress(AssertionError):  # paho may find out at once that the broker hangs up
        bridge.connection.publish(_message(b"x" * 131_072))
    bridge.listen_until(lambda _: "Packet too large" in caplog.text, "it is refused")


def _message(payload: bytes) -> Message:
    return Message("weather/readings", payload)


def test_the_health_check_of_compose_passes_and_knows_its_own_password_alone(
    compose_broker: DeployedBroker,
) -> None:
    document = yaml.safe_load((DEPLOYED.parents[1] / "compose.yaml").read_text("utf-8"))
    command = document["services"]["broker"]["healthcheck"]["test"][1:]
    command = [part.replace("$$", "$") for part in command]
    environment = {
        "PATH": os.environ["PATH"],
        "XDG_CONFIG_HOME": str(compose_broker.folder / "tmp"),
    }
    command += ["-p", str(compose_broker.port)]
    subprocess.run(command, env=environment, check=True, timeout=10)
    refused = subprocess.run(
        [*command, "-P", "wrong"], env=environment, check=False, timeout=10, capture_output=True
    )
    assert refused.returncode != 0


def test_no_password_stands_in_the_brokers_files_or_environment(
    compose_broker: DeployedBroker,
) -> None:
    written = (compose_broker.folder / "tmp" / "passwords").read_text()
    users = [line.partition(":")[0] for line in written.splitlines()]
    assert sorted(users) == sorted(READS)
    assert all("$7$" in line for line in written.splitlines())
    assert "test-password" not in written
    assert compose_broker.process is not None
    with open(f"/proc/{compose_broker.process.pid}/environ", "rb") as file:  # noqa: PTH123
        assert b"test-password" not in file.read()


def test_retained_messages_are_there_again_after_a_planned_restart(
    own_compose_broker: DeployedBroker, clients: Clients
) -> None:
    alerter = clients(own_compose_broker.address("alerter")).up()
    topic = "weather/alerts/state/heat/Cairo"
    assert alerter.publish(topic, b"fired", retained=True).accepted
    own_compose_broker.stop()
    own_compose_broker.start()
    viewer = clients(own_compose_broker.address("viewer"), topic).up()
    (message,) = viewer.listen_until(bool, "it is there")
    assert (message.payload, message.retained) == (b"fired", True)
