"""The broker of compose.yaml on this machine, from the deployed files themselves.

Changed are the places that only a container has, the ports, and the pause between `$SYS` messages.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from citywx.local_stack.broker import find_mosquitto
from streaming.broker import Broker, Message, Outcome
from streaming.mqtt import Connection
from tests.support.mosquitto import BrokerServer
from tests.support.ports import free_port
from tests.support.stream import eventually

DEPLOYED = Path(__file__).parents[2] / "deploy" / "mosquitto"
USERS = ("bridge", "alerter", "recorder", "notifier", "viewer")


@dataclass
class DeployedBroker(BrokerServer):
    """Mosquitto with the users of Compose."""

    tls_port: int = 0

    @property
    def certificates(self) -> Path:
        """What `certificates.sh` wrote."""
        return self.folder / "certificates"

    def password(self, user: str) -> str:
        if user == "healthcheck":
            return (self.folder / "tmp" / "mosquitto_sub").read_text().split()[-1]
        return f"{user}-test-password"

    def address(self, user: str) -> Broker:
        return Broker("127.0.0.1", self.port, user, self.password(user))

    def certify(self, *names: str, days: int = 1) -> Path:
        """Give it a certificate for these names; the CA's file."""
        script = str(DEPLOYED / "certificates.sh")
        subprocess.run(
            ["sh", script, str(self.certificates), *names],
            env={**os.environ, "DAYS": str(days)},
            check=True,
            capture_output=True,
        )
        return self.certificates / "ca.crt"


def deployed_broker(folder: Path, *, tls: bool = False) -> DeployedBroker:
    """The broker in a folder of its own, not started; with `tls` it has a certificate."""
    program = find_mosquitto()
    if program is None:
        pytest.skip("Mosquitto is not installed")
    port, tls_port = free_port(), free_port()
    changes = {
        "/mosquitto/config": str(folder / "config"),
        "/mosquitto/data": str(folder / "data"),
        "/mosquitto/certs": str(folder / "certificates" / "broker"),
        "/tmp/": f"{folder}/tmp/",  # noqa: S108 - the container's
        "listener 1883 0.0.0.0": f"listener {port} 127.0.0.1",
        "listener 8883 0.0.0.0": f"listener {tls_port} 127.0.0.1",
        "sys_interval 10": "sys_interval 1",
    }
    pattern = re.compile("|".join(map(re.escape, changes)))
    for name in ("config", "data", "tmp"):
        (folder / name).mkdir()
    for source in (path for path in DEPLOYED.iterdir() if path.name != "certificates.sh"):
        text = source.read_text("utf-8")
        text = pattern.sub(lambda found: changes[found[0]], text)
        if source.name == "mosquitto.conf" and os.geteuid() == 0:
            text += "user root\n"  # it may not read the test's folder as another
        (folder / "config" / source.name).write_text(text, "utf-8")
    command = [
        "env",
        f"PATH={Path(program).parent}:{os.environ['PATH']}",
        *(f"MQTT_{user.upper()}_PASSWORD={user}-test-password" for user in USERS),
        "sh",
        str(folder / "config" / "start.sh"),
        *(["tls.conf"] if tls else []),
    ]
    broker = DeployedBroker(command, port, folder, tls_port=tls_port)
    if tls:
        broker.certify("127.0.0.1", "localhost")
    return broker


@dataclass
class Client:
    """A connection of a test, and what it has heard."""

    connection: Connection
    heard: list[Message] = field(default_factory=list)

    def up(self) -> "Client":
        eventually(lambda: self.connection.wait(0.01) or self.connection.ready, "it connects")
        return self

    def publish(self, topic: str, payload: bytes = b"x", *, retained: bool = False) -> Outcome:
        """Publish and wait for the broker's answer."""
        found: list[Outcome] = []
        assert self.connection.publish(Message(topic, payload, retained)) is not None

        def answered() -> bool:
            self.connection.wait(0.05)
            found.extend(self.connection.outcomes())
            return bool(found)

        eventually(answered, "the broker answers")
        return found[0]

    def listen_until(self, holds: Callable[[list[Message]], bool], what: str) -> list[Message]:
        """Listen until it holds for what was heard."""

        def heard() -> bool:
            self.connection.wait(0.05)
            self.heard += self.connection.messages()
            return holds(self.heard)

        eventually(heard, what)
        return self.heard


class Clients:
    """Makes clients, and closes them at the end of the test."""

    def __init__(self) -> None:
        self._made: list[Client] = []

    def __call__(self, broker: Broker, *topics: str) -> Client:
        """A client that is not connected yet."""
        name = f"test-{os.urandom(4).hex()}"
        client = Client(Connection(broker, name, subscriptions=topics))
        self._made.append(client)
        return client

    def close(self) -> None:
        for client in self._made:
            client.connection.close()


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


@pytest.fixture(scope="module")
def compose_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedBroker]:
    """Shared by the tests of a module, which do not restart it."""
    broker = deployed_broker(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def own_compose_broker(tmp_path: Path) -> Iterator[DeployedBroker]:
    """For a test that restarts it."""
    broker = deployed_broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def tls_broker(tmp_path: Path) -> Iterator[DeployedBroker]:
    broker = deployed_broker(tmp_path, tls=True)
    broker.start()
    yield broker
    broker.stop()
