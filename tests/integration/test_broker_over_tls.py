"""Connections to the broker over TLS: with Mosquitto's own certificate, and with wrong ones."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from citywx.local_stack.probes import broker_problem
from citywx.settings import Settings
from streaming.broker import Broker, BrokerNotConfiguredError, Message
from streaming.messages import ALERTS, READINGS, REJECTED, alert_state_topic, status_topic
from tests.support.deployed_broker import Client, Clients, DeployedBroker
from tests.support.log_messages import append, line
from tests.support.stream import Stream, eventually

pytestmark = pytest.mark.integration


def over_tls(
    broker: DeployedBroker, user: str, ca_file: Path | None = None, host: str = "127.0.0.1"
) -> Broker:
    url = f"mqtts://{user}:{broker.password(user)}@{host}:{broker.tls_port}"
    return Broker.of(Settings(mqtt_url=url, mqtt_ca_file=ca_file))  # type: ignore[arg-type]


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "WARNING"]


def is_refused(client: Client, caplog: pytest.LogCaptureFixture) -> str:
    """Let it try a few times; the one line that it logs at first."""
    eventually(
        lambda: client.connection.wait(0.05) or client.connection._failures >= 3, "it is refused"
    )
    assert not client.connection.ready
    (line,) = refusals(caplog)
    assert "test-password" not in caplog.text
    return line


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_messages_arrive_over_tls_whole_and_in_order(
    host: str, tls_broker: DeployedBroker, clients: Clients
) -> None:
    ca_file = tls_broker.certificates / "ca.crt"
    viewer = clients(over_tls(tls_broker, "viewer", ca_file, host), "weather/readings").up()
    bridge = clients(over_tls(tls_broker, "bridge", ca_file, host)).up()
    sent = [f"{number} ".encode() * (1 + number % 7 * 900) for number in range(5_000)]
    outcomes = []
    for at in range(0, len(sent), 500):  # within the window that the bridge keeps, too
        for payload in sent[at : at + 500]:
            assert bridge.connection.publish(Message("weather/readings", payload)) is not None

        def answered(count: int = at + 500) -> bool:
            bridge.connection.wait(0.05)
            outcomes.extend(bridge.connection.outcomes())
            return len(outcomes) == count

        eventually(answered, "the broker answers")
    viewer.listen_until(lambda heard: len(heard) >= len(sent), "everything arrives")
    assert [message.payload for message in viewer.heard] == sent
    assert all(outcome.accepted for outcome in outcomes)


def test_the_processes_do_their_work_over_tls_with_the_rights_of_their_users(
    tls_broker: DeployedBroker, clients: Clients, tmp_path: Path
) -> None:
    ca_file = tls_broker.certificates / "ca.crt"
    viewer = clients(over_tls(tls_broker, "viewer", ca_file), "weather/#").up()
    stream = Stream(tls_broker, tmp_path, {"MQTT_CA_FILE": str(ca_file)})
    append(stream.log, line(0, 20.0), b"no reading\n", line(1, 25.0))
    try:
        for name in ("bridge", "alerter"):
            secret = tls_broker.password(name)
            url = f"mqtts://{name}:{secret}@127.0.0.1:{tls_broker.tls_port}"
            stream.environment["MQTT_URL"] = url
            stream.start(name)
        expected = {READINGS, REJECTED, ALERTS, alert_state_topic("above-23", "Oslo")}
        expected |= {status_topic(name) for name in ("bridge", "alerter")}
        viewer.listen_until(
            lambda heard: {message.topic for message in heard} >= expected, "every topic is heard"
        )
        assert all(stream.stop(name) == 0 for name in ("alerter", "bridge"))
    finally:
        for name in list(stream.running):
            stream.kill(name)
    for name in ("bridge", "alerter"):
        assert "refuses" not in stream.output(name)
        assert "test-password" not in stream.output(name)


def test_the_brokers_probe_speaks_tls(tls_broker: DeployedBroker) -> None:
    url = f"mqtts://bridge:{tls_broker.password('bridge')}@127.0.0.1:{tls_broker.tls_port}"
    assert broker_problem(url, str(tls_broker.certificates / "ca.crt")) is None
    assert "certificate verify failed" in (broker_problem(url) or "")


def test_a_certificate_of_an_unknown_ca_is_refused_in_one_line(
    tls_broker: DeployedBroker, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    line = is_refused(clients(over_tls(tls_broker, "viewer")), caplog)
    assert "has a certificate that is not trusted: unable to get local issuer" in line


def test_an_expired_certificate_is_refused_in_one_line(
    tls_broker: DeployedBroker, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    tls_broker.stop()
    ca_file = tls_broker.certify("127.0.0.1", days=-1)
    tls_broker.start()
    line = is_refused(clients(over_tls(tls_broker, "viewer", ca_file)), caplog)
    assert "has a certificate that is not trusted: certificate has expired" in line


def test_a_certificate_for_another_name_is_refused_in_one_line(
    tls_broker: DeployedBroker, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    tls_broker.stop()
    ca_file = tls_broker.certify("broker.example")
    tls_broker.start()
    line = is_refused(clients(over_tls(tls_broker, "viewer", ca_file)), caplog)
    assert "is not valid for '127.0.0.1'" in line


def test_it_connects_once_the_broker_has_a_new_certificate_of_the_same_ca(
    tls_broker: DeployedBroker, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    tls_broker.stop()
    ca_file = tls_broker.certify("127.0.0.1", days=-1)
    tls_broker.start()
    viewer = clients(over_tls(tls_broker, "viewer", ca_file))
    is_refused(viewer, caplog)
    tls_broker.stop()
    tls_broker.certify("127.0.0.1")
    tls_broker.start()
    viewer.up()


def test_a_broker_without_tls_there_is_refused(
    tls_broker: DeployedBroker, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    address = over_tls(tls_broker, "viewer", tls_broker.certificates / "ca.crt")
    plain = Broker("127.0.0.1", tls_broker.port, address.user, address.password, tls=True)
    assert "cannot be reached" in is_refused(clients(plain), caplog)


def test_messages_that_tls_has_taken_from_the_socket_already_are_read(
    tls_broker: DeployedBroker, clients: Clients
) -> None:
    """As behind a proxy that gathers several packets into one TLS record."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    folder = tls_broker.certificates / "broker"
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            plain, _ = server.accept()
            with context.wrap_socket(plain, server_side=True) as connection:
                connection.recv(4096)  # CONNECT
                connection.sendall(b"\x20\x03\x00\x00\x00")
                subscribe = connection.recv(4096)
                publish = b"\x30\x05\x00\x01t\x00x"
                connection.sendall(b"\x90\x04" + subscribe[2:4] + b"\x00\x01" + publish * 3)
                connection.recv(4096)  # DISCONNECT, at the test's end

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        ca_file = tls_broker.certificates / "ca.crt"
        client = clients(Broker("127.0.0.1", port, tls=True, ca_file=ca_file), "t")
        client.listen_until(lambda heard: len(heard) == 3, "all three arrive")
        client.connection._client.disconnect()  # type: ignore[union-attr]
        thread.join()


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file"), ("no certificate", "no certificate in PEM")]
)
def test_a_ca_file_that_cannot_be_used_ends_the_process_with_one_line(
    content: str | None, reason: str, tls_broker: DeployedBroker, tmp_path: Path
) -> None:
    ca_file = tmp_path / "wrong.pem"
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(BrokerNotConfiguredError, match=reason) as raised:
        over_tls(tls_broker, "viewer", ca_file)
    assert str(ca_file) in str(raised.value)
    assert "test-password" not in str(raised.value)
