"""Where the broker is, and what goes over a connection to it: values without a network."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from citywx.settings import Settings

MQTT_5 = 5
FIRST_FAILURE_CODE = 0x80
_DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class _TlsSocket(ssl.SSLSocket):
    """Closes at once when the handshake fails; paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's own
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


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
    tls: bool = False
    ca_file: Path | None = None
    """Who may have signed the broker's certificate; None for the system's CAs."""

    @classmethod
    def of(cls, settings: Settings) -> "Broker":
        """The broker at MQTT_URL; BrokerNotConfiguredError when something in it cannot be used."""
        if settings.mqtt_url is None:
            message = "MQTT_URL is not set: start the pipeline with `make up`, or set it"
            raise BrokerNotConfiguredError(message)
        message = "MQTT_URL must look like mqtt://user:password@host:port, or mqtts:// for TLS"
        try:
            url = urlsplit(settings.mqtt_url.get_secret_value())
            default_port = _DEFAULT_PORTS[url.scheme]
            port = url.port or default_port
        except (ValueError, KeyError):  # their text may hold parts of the address, so the password
            raise BrokerNotConfiguredError(message) from None
        if not url.hostname:
            raise BrokerNotConfiguredError(message)
        user = unquote(url.username) if url.username else None
        password = unquote(url.password) if url.password else None
        tls, ca_file = url.scheme == "mqtts", settings.mqtt_ca_file
        broker = cls(url.hostname, port, user, password, settings.mqtt_protocol, tls, ca_file)
        if tls:
            broker.tls_context()  # now, since only a person can mend it
        return broker

    def tls_context(self) -> ssl.SSLContext:
        """What checks the broker's certificate and name; BrokerNotConfiguredError without CAs."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            is_read = isinstance(error, ssl.SSLError)
            reason = "holds no certificate in PEM" if is_read else error.strerror
            message = f"MQTT_CA_FILE {self.ca_file}: {reason}"
            raise BrokerNotConfiguredError(message) from None
        context.sslsocket_class = _TlsSocket
        return context


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
