"""Where the broker is, and what goes over a connection to it: values without a network."""

from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from citywx.settings import Settings

MQTT_5 = 5
FIRST_FAILURE_CODE = 0x80
_DEFAULT_PORT = 1883


class BrokerNotConfiguredError(Exception):
    """No MQTT_URL is set, or it is no MQTT address."""


class TakenOverError(Exception):
    """Another process connected under this process's client id."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, and as whom to connect."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    protocol: int = MQTT_5
    """5 for MQTT 5, 4 for MQTT 3.1.1 (no reason codes)."""

    @classmethod
    def of(cls, settings: Settings) -> "Broker":
        """The broker at MQTT_URL; BrokerNotConfiguredError when there is none."""
        if settings.mqtt_url is None:
            message = "MQTT_URL is not set: start the pipeline with `make up`, or set it"
            raise BrokerNotConfiguredError(message)
        message = "MQTT_URL must look like mqtt://user:password@host:port"
        try:
            url = urlsplit(settings.mqtt_url.get_secret_value())
            port = url.port or _DEFAULT_PORT
        except ValueError:  # its text may hold parts of the address, and so of the password
            raise BrokerNotConfiguredError(message) from None
        if url.scheme != "mqtt" or not url.hostname:
            raise BrokerNotConfiguredError(message)
        user = unquote(url.username) if url.username else None
        password = unquote(url.password) if url.password else None
        return cls(url.hostname, port, user, password, settings.mqtt_protocol)


class Message(NamedTuple):
    """A message, received or to be sent."""

    topic: str
    payload: bytes
    retained: bool = False
    reply_to: str | None = None
    """Where an answer is wanted (MQTT 5 response topic)."""
    correlation: bytes = b""
    """What tells the answers of one asker apart (MQTT 5 correlation data)."""


class Outcome(NamedTuple):
    """What the broker answered to a publish."""

    message_id: int
    code: int
    """MQTT 5 reason code; 0 from a broker that speaks 3.1.1."""
    reason: str

    @property
    def accepted(self) -> bool:
        """Whether the broker took the message (0x10, no subscribers, is fine)."""
        return self.code < FIRST_FAILURE_CODE
