"""Our MQTT connection against a real Mosquitto: outcomes, reconnects, wills, refusals."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from streaming.broker import Broker, Message, Outcome, TakenOverError
from streaming.mqtt import Connection
from tests.support.mosquitto import PASSWORD, BrokerServer
from tests.support.stream import eventually

pytestmark = pytest.mark.integration
Connect = Callable[..., Connection]


@pytest.fixture
def connect(mosquitto: BrokerServer) -> Iterator[Connect]:
    made: list[Connection] = []

    def make(name: str, *topics: str, password: str = PASSWORD, **options: object) -> Connection:
        broker = Broker("127.0.0.1", mosquitto.port, "citywx", password)
        connection = Connection(broker, name, subscriptions=topics, **options)  # type: ignore[arg-type]
        made.append(connection)
        return connection

    yield make
    for connection in made:
        connection.close()


def up(connection: Connection) -> Connection:
    eventually(lambda: connection.wait(0.01) or connection.ready, "it connects")
    return connection


def outcome_of(connection: Connection, topic: str) -> Outcome:
    message_id = connection.publish(Message(topic, b"x"))
    found: list[Outcome] = []

    def answered() -> bool:
        connection.wait(0.05)
        found.extend(connection.outcomes())
        return bool(found)

    eventually(answered, "the broker answers")
    assert found[0].message_id == message_id
    return found[0]


def test_the_outcome_of_a_publish_is_the_brokers_reason_code(connect: Connect) -> None:
    publisher = up(connect("publisher"))
    assert (outcome_of(publisher, "weather/readings").code) == 0x10  # nobody has subscribed
    up(connect("listener", "weather/readings"))
    assert outcome_of(publisher, "weather/readings") == Outcome(2, 0, "")
    refused = outcome_of(publisher, "elsewhere")
    assert (refused.code, refused.accepted) == (0x87, False)


def test_nothing_is_sent_before_it_is_connected(connect: Connect) -> None:
    assert connect("early").publish(Message("weather/readings", b"x")) is None


def test_it_comes_back_after_the_broker_was_away(connect: Connect, mosquitto: BrokerServer) -> None:
    connection = up(connect("tenacious", "weather/readings"))
    mosquitto.stop()
    eventually(lambda: connection.wait(0.01) or not connection.ready, "it notices")
    assert connection.publish(Message("weather/readings", b"x")) is None
    mosquitto.start()
    up(connection)
    assert connection.session == 2
    connection.publish(Message("weather/readings", b"again"))
    heard: list[Message] = []

    def arrived() -> bool:
        connection.wait(0.05)
        heard.extend(connection.messages())
        return bool(heard)

    eventually(arrived, "its subscription stands again")
    assert heard == [Message("weather/readings", b"again")]


def test_a_wrong_password_is_told_without_the_password(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connect("stranger", password="wrong-password")
    eventually(lambda: connection.wait(0.05) or "refuses" in caplog.text, "it is refused")
    assert "wrong-password" not in caplog.text
    assert not connection.ready


def test_two_processes_with_one_name_are_told_apart(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    twins = [connect("twin"), connect("twin")]

    def noticed() -> bool:
        for twin in twins:
            twin.wait(0.02)
        return "is another process connected as twin?" in caplog.text

    try:
        eventually(noticed, "one of them says so")
    except TakenOverError as error:  # newer brokers say it themselves
        assert "twin" in str(error)  # noqa: PT017 - depends on the broker


def test_a_broker_that_says_so_ends_the_older_of_two(connect: Connect) -> None:
    with pytest.raises(TakenOverError, match="twin"):
        connect("twin")._disconnected(0x8E, "Session taken over")


def test_the_will_is_sent_when_a_process_dies_and_not_when_it_says_goodbye(
    connect: Connect,
) -> None:
    listener = up(connect("listener", "weather/status/+"))
    polite = up(connect("polite", will=Message("weather/status/polite", b"lost")))
    polite.publish(Message("weather/status/polite", b"stopped"))
    eventually(lambda: polite.wait(0.02) or bool(polite.outcomes()), "it is sent")
    rude = up(connect("rude", will=Message("weather/status/rude", b"lost")))
    polite._client.disconnect()  # type: ignore[union-attr]
    rude._socket.shutdown(2)  # type: ignore[union-attr]
    heard: list[Message] = []

    def arrived() -> bool:
        listener.wait(0.05)
        heard.extend(listener.messages())
        return any(message.topic.endswith("rude") for message in heard)

    eventually(arrived, "the will comes")
    assert [m.payload for m in heard if m.topic.endswith("polite")] == [b"stopped"]
    assert [m.payload for m in heard if m.topic.endswith("rude")] == [b"lost"]


def test_another_thread_can_end_its_wait(connect: Connect) -> None:
    connection = up(connect("sleeper"))
    connection.wait(0)
    began = time.monotonic()
    thread = threading.Timer(0.05, connection.wake)
    thread.start()
    woken = False
    with suppress(TimeoutError):
        while not woken and time.monotonic() - began < 5:
            woken = connection.wait(10)
    thread.join()
    assert woken
