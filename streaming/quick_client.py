"""paho's client with short cuts for the two packets that nearly all traffic consists of.

paho builds four objects and takes six locks for each message that it sends, receives or hears
acknowledged; that is most of the bridge's work (docs/decisions/bridge-loop.md has the figures).
Here a QoS 1 PUBLISH without properties and a PUBACK go past that; everything else is left to paho,
and so is the connection itself. Only `streaming.mqtt` uses this.
"""

from collections.abc import Callable

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode, MQTTProtocolVersion

_SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
_PUBLISH, _PUBACK = int(MessageType.PUBLISH), int(MessageType.PUBACK)
_QOS_1 = 0x02
_QOS_MASK = 0x06
_RETAIN = 0x01


class QuickClient(Client):
    """Sends by `send`; what arrives goes to the two callbacks instead of paho's own."""

    acknowledged: Callable[[int, int], None]
    """Called with message id and reason code when the broker has answered a `send`."""
    received: Callable[[str, bytes, bool, int], None]
    """Called with topic, payload, whether it was retained, and message id (0: QoS 0)."""

    def prepare(
        self,
        acknowledged: Callable[[int, int], None],
        received: Callable[[str, bytes, bool, int], None],
    ) -> None:
        """Set the callbacks; before connecting."""
        self.acknowledged = acknowledged
        self.received = received
        self._is_5 = self._protocol == MQTTProtocolVersion.MQTTv5
        self._outstanding: set[int] = set()
        self._topics: dict[str, bytes] = {}

    def send(self, topic: str, payload: bytes, *, retain: bool) -> int | None:
        """Publish at QoS 1; the message id, or None when it could not be sent."""
        if self._sock is None:
            return None
        head = self._topics.get(topic)
        if head is None:
            encoded = topic.encode()
            head = len(encoded).to_bytes(2) + encoded
            if len(self._topics) < 100:  # noqa: PLR2004 - a process has a few topics, and states
                self._topics[topic] = head
        message_id = self._mid_generate()
        while message_id in self._outstanding:
            message_id = self._mid_generate()
        packet = bytearray((_PUBLISH | _QOS_1 | (_RETAIN if retain else 0),))
        self._pack_remaining_length(packet, len(head) + 2 + self._is_5 + len(payload))
        packet += head
        packet += message_id.to_bytes(2)
        if self._is_5:
            packet.append(0)  # no properties
        packet += payload
        if self._packet_queue(_PUBLISH, packet, message_id, 1) != _SUCCESS:
            return None
        self._outstanding.add(message_id)
        return message_id

    def _packet_handle(self) -> MQTTErrorCode:
        command = self._in_packet["command"]
        kind = command & 0xF0
        if kind == _PUBACK and self._heard_puback(self._in_packet["packet"]):
            return _SUCCESS
        if kind == _PUBLISH and self._heard_publish(command, self._in_packet["packet"]):
            return _SUCCESS
        return super()._packet_handle()

    def _heard_puback(self, packet: bytearray) -> bool:
        message_id = int.from_bytes(packet[:2])
        if message_id not in self._outstanding:
            return False  # one of paho's own
        self._outstanding.discard(message_id)
        self.acknowledged(message_id, packet[2] if len(packet) > 2 else 0)  # noqa: PLR2004 - MQTT 5, 3.4.2.1
        return True

    def _heard_publish(self, command: int, packet: bytearray) -> bool:
        """Take a PUBLISH without properties; False leaves it, or what is wrong with it, to paho."""
        end = 2 + int.from_bytes(packet[:2])
        start = end + 2 if command & _QOS_MASK else end
        if self._is_5:
            if len(packet) <= start or packet[start]:
                return False
            start += 1
        if len(packet) < start or command & _QOS_MASK not in (0, _QOS_1):
            return False
        try:
            topic = packet[2:end].decode()
        except UnicodeDecodeError:
            return False
        message_id = int.from_bytes(packet[end : end + 2]) if command & _QOS_MASK else 0
        self.received(topic, bytes(packet[start:]), bool(command & _RETAIN), message_id)
        return True
