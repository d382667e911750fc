"""MQTT: with `streaming.quick_client` the only import of paho; nothing of paho goes further.

One thread: `Connection.wait` runs the selector over paho's socket (its external-loop interface)
and over the descriptors that wake the loop. Callbacks only append to queues. Every connection is a
new paho client with a clean start, so that paho re-sends nothing by itself: what is unacknowledged
is its owner's business. A message is acknowledged once its owner, who has taken it, waits again:
so after the work on it, which is then not held up by the answer.
"""

import logging
import os
import random
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions
from prometheus_client import Counter

from streaming.broker import FIRST_FAILURE_CODE, MQTT_5, Broker, Message, Outcome, TakenOverError
from streaming.packets import Published
from streaming.quick_client import QuickClient

_log = logging.getLogger(__name__)

_TAKEN_OVER = 0x8E
_KEEPALIVE_SECONDS = 30
_CONNECT_SECONDS = 3.0
_BACKOFF_FIRST, _BACKOFF_LAST = 0.2, 10.0
_STABLE_SECONDS = 5.0  # a connection that holds so long ends the back-off
_SUSPICIOUS_FAILURES = 3
_MISC_SECONDS = 1.0
_READS_PER_WAKE = 500
_BYTES_PER_WAKE = 1 << 20

_CONNECTIONS = Counter("citywx_mqtt_connections", "Connections made to the broker")


class Connection:
    """A connection that is kept up: it reconnects with growing, jittered pauses."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *,
        subscriptions: tuple[str, ...] = (),
        will: Message | None = None,
        receive_maximum: int = 1000,
    ) -> None:
        """Prepare; the first `wait` connects. `will` is sent retained when this process dies."""
        self.session = 0
        """Counts the connections that were made; 0 before the first."""
        self.send_maximum = 65_535
        """Unacknowledged messages that the broker allows (MQTT 5 receive maximum)."""
        self._broker = broker
        self._client_id = client_id
        self._subscriptions = subscriptions
        self._will = will
        self._receive_maximum = receive_maximum
        self._client: QuickClient | None = None
        self._ready = False
        self._messages: deque[Message] = deque()
        self._unread_bytes = 0
        self._arrived: list[int] = []  # ids of messages that wait in the queue
        self._taken: list[int] = []  # ids of messages that are being worked on
        self._outcomes: deque[Outcome] = deque()
        self._control: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._socket: socket.socket | None = None
        self._watched = 0
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._failures = 0
        self._next_attempt = 0.0
        self._opened_at = self._ready_at = 0.0
        self._misc_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether messages can be sent now, and subscriptions stand."""
        return self._ready

    def wake(self) -> None:
        """End a `wait`, from any thread."""
        try:
            os.write(self._wake_write, b"!")
        except BlockingIOError:
            return  # the pipe is full: the loop wakes anyway

    def watch(self, descriptor: int) -> None:
        """Let a `wait` end, as by `wake`, when the descriptor can be read; its owner reads it."""
        self._selector.register(descriptor, selectors.EVENT_READ)

    def unwatch(self, descriptor: int) -> None:
        """Watch it no longer; before it is closed."""
        self._selector.unregister(descriptor)

    def wait(self, timeout: float) -> bool:
        """Handle the network; returns after `timeout` seconds, or once something happened.

        True when `wake` was called meanwhile, or a watched descriptor can be read.
        """
        self._acknowledge()
        now = time.monotonic()
        if self._client is None and now >= self._next_attempt:
            self._open(now)
        if self._client is None:
            timeout = min(timeout, max(0.0, self._next_attempt - now))
        pending = self._pending()
        if self._control or self._messages or pending:
            timeout = 0
        self._watch_socket()
        woken = False
        for key, mask in self._selector.select(max(0.0, timeout)):
            if key.fileobj is self._socket:
                self._serve(mask)
                continue
            woken = True
            if key.fd == self._wake_read:
                _drain(self._wake_read)
        if pending:
            self._read()
        if self._control or time.monotonic() >= self._misc_at:
            self._look_after(time.monotonic())
        return woken

    def messages(self) -> list[Message]:
        """Take the messages that have arrived; the next `wait` acknowledges them."""
        taken = list(self._messages)
        self._messages.clear()
        self._unread_bytes = 0
        self._taken += self._arrived
        self._arrived.clear()
        return taken

    def outcomes(self) -> list[Outcome]:
        """Take the answers to publishes that have arrived."""
        taken = list(self._outcomes)
        self._outcomes.clear()
        return taken

    def publish(self, message: Message, *, qos: int = 1) -> int | None:
        """Send now and return the message id, or None when it could not be sent."""
        if self._client is None or not self._ready:
            return None
        properties = self._properties(message)
        if qos == 1 and properties is None:
            ids = self._client.send((message,))
            return ids[0] if ids else None
        info = self._client.publish(
            message.topic, message.payload, qos, message.retained, properties
        )
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def publish_all(self, messages: Sequence[Message]) -> list[int]:
        """Send at QoS 1 in one go; the message ids, or none when they could not be sent.

        The messages ask for no answer.
        """
        if self._client is None or not self._ready or not messages:
            return []
        return self._client.send(messages)

    def _properties(self, message: Message) -> Properties | None:
        if self._broker.protocol != MQTT_5 or not (message.reply_to or message.correlation):
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's gap
        if message.reply_to:
            properties.ResponseTopic = message.reply_to
        if message.correlation:
            properties.CorrelationData = message.correlation
        return properties

    def close(self) -> None:
        """Say goodbye (so that the will is not sent) and let go of everything."""
        if self._client is not None:
            self._acknowledge()
            self._client.disconnect()
            self._drop()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # Connecting

    def _open(self, now: float) -> None:
        client = self._new_client()
        properties = None
        options: dict[str, object] = {}
        if self._broker.protocol == MQTT_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's gap
            properties.ReceiveMaximum = self._receive_maximum
            options = {"clean_start": True, "properties": properties}
        self._opened_at = now
        try:
            client.connect(
                self._broker.host,
                self._broker.port,
                _KEEPALIVE_SECONDS,
                **options,  # type: ignore[arg-type]  # MQTT 5 only: paho refuses them with 3.1.1
            )
        except OSError as error:
            self._failed(_why(error))
            return
        self._client = client

    def _new_client(self) -> QuickClient:
        is_5 = self._broker.protocol == MQTT_5
        client = QuickClient(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if is_5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages_set(0)  # the owner's window rules; paho's would be scanned
        client.connect_timeout = _CONNECT_SECONDS
        if self._broker.tls:
            client.tls_set_context(self._broker.tls_context())
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.prepare(self._acknowledged, lambda published: self._received(client, published))
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        return client

    def _failed(self, reason: str) -> None:
        self._drop()
        pause = min(_BACKOFF_LAST, _BACKOFF_FIRST * 2 ** min(self._failures, 10))
        self._next_attempt = time.monotonic() + pause * random.uniform(0.5, 1)  # noqa: S311 - jitter
        told = self._failures in (0, _SUSPICIOUS_FAILURES)
        level = logging.WARNING if told else logging.DEBUG
        _log.log(level, "broker %s:%d %s", self._broker.host, self._broker.port, reason)
        self._failures += 1

    def _drop(self) -> None:
        self._ready = False
        self._client = None
        for ids in (self._outcomes, self._arrived, self._taken):
            ids.clear()  # they mean nothing in the next session
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None

    def _connected(self, code: int, reason: str, send_maximum: int) -> None:
        if code != 0:
            self._failed(f"refuses the connection: {reason}")
            return
        self.send_maximum = send_maximum
        if self._client is None:
            return
        if self._subscriptions:
            topics = [(topic, SubscribeOptions(qos=1)) for topic in self._subscriptions]
            pairs = [(topic, 1) for topic in self._subscriptions]
            self._client.subscribe(topics if self._broker.protocol == MQTT_5 else pairs)
        else:
            self._established()

    def _subscribed(self, refused: list[str]) -> None:
        if refused:
            self._failed(f"refuses a subscription: {', '.join(refused)}")
        else:
            self._established()

    def _established(self) -> None:
        self._ready = True
        self._ready_at = time.monotonic()
        self.session += 1
        _CONNECTIONS.inc()
        _log.info("connected to broker %s:%d", self._broker.host, self._broker.port)

    def _disconnected(self, code: int, reason: str) -> None:
        if code == _TAKEN_OVER:
            message = f"another process is connected as {self._client_id}: stop one of the two"
            raise TakenOverError(message)
        if self._client is not None and self._failures < _SUSPICIOUS_FAILURES:
            self._failed(f"is gone: {reason}")
        elif self._client is not None:
            # Some brokers close the older of two connections with one name without a word.
            self._failed(f"keeps hanging up: is another process connected as {self._client_id}?")

    # The loop

    def _acknowledge(self) -> None:
        """Tell the broker that what was taken is done with."""
        if self._taken and self._client is not None:
            self._client.acknowledge(self._taken)
        self._taken.clear()

    def _watch_socket(self) -> None:
        """Watch the socket for what paho wants of it now."""
        if self._client is None or self._socket is None:
            return
        wanted = selectors.EVENT_READ
        if self._client.want_write():
            wanted |= selectors.EVENT_WRITE
        if wanted != self._watched:
            self._selector.modify(self._socket, wanted)
            self._watched = wanted

    def _serve(self, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            self._read()
        if mask & selectors.EVENT_WRITE and self._client is not None:
            self._client.loop_write()

    def _pending(self) -> bool:
        """Whether TLS has taken bytes from the socket that are not read: no selector sees them."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def _read(self) -> None:
        """Read as long as more waits, up to a bound."""
        for _ in range(_READS_PER_WAKE):
            if self._client is None or self._unread_bytes > _BYTES_PER_WAKE:
                return
            if not self._client.receive():
                return

    def _look_after(self, now: float) -> None:
        while self._control:
            self._control.popleft()()
        if now < self._misc_at:
            return
        self._misc_at = now + _MISC_SECONDS
        if self._client is None:
            return
        self._client.loop_misc()
        if self._ready and now - self._ready_at > _STABLE_SECONDS:
            self._failures = 0
        while self._control:
            self._control.popleft()()
        if (
            not self._ready
            and self._client is not None
            and now - self._opened_at > _CONNECT_SECONDS
        ):
            self._failed("does not answer")

    # paho's callbacks: they only append

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del userdata, flags
        maximum = getattr(properties, "ReceiveMaximum", 65_535)
        self._later(client, lambda: self._connected(code.value, str(code), maximum))

    def _on_subscribe(
        self,
        client: Client,
        userdata: object,
        message_id: int,
        codes: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        del userdata, message_id, properties
        refused = [str(code) for code in codes if code.is_failure]
        self._later(client, lambda: self._subscribed(refused))

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del userdata, flags, properties
        self._later(client, lambda: self._disconnected(code.value, str(code)))

    def _on_publish(
        self,
        client: Client,
        userdata: object,
        message_id: int,
        code: ReasonCode,
        properties: Properties,
    ) -> None:
        del client, userdata, properties
        reason = str(code) if code.is_failure else ""  # finding its name is slow
        self._outcomes.append(Outcome(message_id, code.value, reason))

    def _acknowledged(self, message_id: int, code: int) -> None:
        reason = (
            str(ReasonCode(PacketTypes.PUBACK, identifier=code))
            if code >= FIRST_FAILURE_CODE
            else ""
        )
        self._outcomes.append(Outcome(message_id, code, reason))

    def _received(self, client: QuickClient, published: Published) -> None:
        if client is not self._client:
            return
        topic, payload, retained, message_id = published
        self._messages.append(Message(topic, payload, retained))
        self._unread_bytes += len(payload)
        if message_id:
            self._arrived.append(message_id)

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        del userdata
        if client is not self._client:
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # not one of ours, whatever it is
        payload = bytes(message.payload)
        reply_to = getattr(message.properties, "ResponseTopic", None)
        correlation = getattr(message.properties, "CorrelationData", b"")
        self._messages.append(Message(topic, payload, message.retain, reply_to, correlation))
        self._unread_bytes += len(payload)
        if message.qos:
            self._arrived.append(message.mid)

    def _on_socket_open(self, client: Client, userdata: object, sock: object) -> None:
        del client, userdata
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = sock
            self._selector.register(sock, selectors.EVENT_READ)
            self._watched = selectors.EVENT_READ

    def _on_socket_close(self, client: Client, userdata: object, sock: object) -> None:
        del client, userdata
        if sock is self._socket and self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket = None

    def _later(self, client: Client, step: Callable[[], None]) -> None:
        """Take the step in the loop, unless its client has been dropped by then."""
        self._control.append(lambda: step() if client is self._client else None)


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted: {error.verify_message.rstrip('.')}"
    return f"cannot be reached ({error.strerror or type(error).__name__})"


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        return
