"""paho's client with short cuts for the packets that nearly all traffic consists of.

paho asks the system four times for each packet that comes, and builds four objects and takes six
locks for each message that it sends, receives or hears acknowledged; that is most of the bridge's
work (docs/decisions/bridge-loop.md has the figures). Here QoS 1 PUBLISH without properties and
PUBACK go past that, in both directions, as many as there are with one call of the system. All else
is left to paho, and so is the connection itself. Only `streaming.mqtt` uses this.
"""

import ssl
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

from streaming.broker import Message
from streaming.packets import (
    KIND_MASK,
    PUBACK,
    PUBLISH,
    PacketBuffer,
    Published,
    Span,
    puback_packets,
    publish_parts,
    read_puback,
    read_publish,
)

_SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
_READ_BYTES = 64 * 1024
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class QuickClient(Client):
    """Sends by `send`, reads by `receive`; what arrives goes to two callbacks, or to paho's own."""

    def prepare(
        self, acknowledged: Callable[[int, int], None], received: Callable[[Published], None]
    ) -> None:
        """Set the callbacks; before connecting.

        `acknowledged` is called with message id and reason code when the broker has answered a
        `send`.
        """
        self._acknowledged = acknowledged
        self._received = received
        self._is_5 = self._protocol == MQTTProtocolVersion.MQTTv5
        self._outstanding: set[int] = set()
        self._buffer = PacketBuffer()
        self._fed: bytes | None = b""

    def send(self, messages: Iterable[Message]) -> list[int]:
        """Publish at QoS 1 and without properties; message ids, or none when it cannot be sent."""
        ids: list[int] = []
        parts: list[bytes] = []
        for topic, payload, retained, _, _ in messages:
            message_id = self._mid_generate()
            while message_id in self._outstanding:
                message_id = self._mid_generate()
            parts += publish_parts(topic, payload, message_id, retained=retained, is_5=self._is_5)
            ids.append(message_id)
        if not self._transmit(PUBLISH, b"".join(parts)):
            return []
        self._outstanding.update(ids)
        return ids

    def acknowledge(self, message_ids: Iterable[int]) -> None:
        """Tell the broker that QoS 1 messages are done with."""
        self._transmit(PUBACK, puback_packets(message_ids))

    def receive(self) -> bool:
        """Read once, and handle what is whole; whether more may wait.

        Over TLS one read brings one record, however many have come.
        """
        if self._sock is None:
            return False
        try:
            data = self._sock.recv(_READ_BYTES)
        except _NOT_NOW:
            return False
        except OSError:
            data = b""
        if not data:
            self._feed(None)
            return False
        self._last_bytes_received = time.monotonic()
        for span in self._buffer.packets(data):
            if not self._handle(span):
                self._feed(bytes(self._buffer.data[span.start : span.end]))
            if self._sock is None:
                return False
        return len(data) == _READ_BYTES or isinstance(self._sock, ssl.SSLSocket)

    def _transmit(self, kind: int, data: bytes) -> bool:
        """Send packets, or what does not go out now by way of paho; False without a connection."""
        if self._sock is None:
            return False
        if not self._out_packet:  # else what waits there goes first
            with suppress(OSError):  # not now, or never again: paho finds out which
                data = data[self._sock.send(data) :]
        return not data or self._packet_queue(kind, data, 0, 1) == _SUCCESS

    def _handle(self, span: Span) -> bool:
        """Handle a packet here if it is one of the usual ones."""
        data = self._buffer.data
        kind = data[span.start] & KIND_MASK
        if kind == PUBACK:
            message_id, code = read_puback(data, span)
            if message_id not in self._outstanding:
                return False  # one of paho's own
            self._outstanding.discard(message_id)
            self._acknowledged(message_id, code)
            return True
        published = read_publish(data, span, is_5=self._is_5) if kind == PUBLISH else None
        if published is not None:
            self._received(published)
        return published is not None

    def _feed(self, packet: bytes | None) -> None:
        """Let paho read a packet, or with None the end of the connection."""
        self._fed = packet
        self.loop_read()

    def _sock_recv(self, bufsize: int) -> bytes:
        """What paho reads in place of the socket."""
        if self._fed is None:
            return b""
        if not self._fed:
            raise BlockingIOError
        taken, self._fed = self._fed[:bufsize], self._fed[bufsize:]
        return taken
