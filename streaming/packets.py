"""MQTT's packets as bytes: what has come is cut into packets, and the two usual ones are written.

No socket and no paho: bytes in, bytes out. What other packets hold is left to paho.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

PUBLISH, PUBACK = 0x30, 0x40
KIND_MASK = 0xF0
_QOS_1, _QOS_MASK, _RETAIN = 0x02, 0x06, 0x01
_MAX_LENGTH_BYTES = 4


class Span(NamedTuple):
    """Where a packet stands in the bytes that have come."""

    start: int
    body: int
    """Behind its first byte and its length."""
    end: int


class Published(NamedTuple):
    """A PUBLISH that has come."""

    topic: str
    payload: bytes
    retained: bool
    message_id: int
    """0 with QoS 0."""


class PacketBuffer:
    """Bytes as the network brings them, and the whole packets among them."""

    def __init__(self) -> None:
        self.data = bytearray()

    def packets(self, more: bytes) -> Iterator[Span]:
        """The packets that are whole now that more has come; to be taken to the last one."""
        self.data += more
        start = 0
        while (span := _span(self.data, start)) is not None:
            yield span
            start = span.end
        del self.data[:start]


def _span(data: bytearray, start: int) -> Span | None:
    """The packet that starts there, if it is whole; all of the rest where its length is none."""
    length, body, filled = 0, start + 1, len(data)
    for shift in range(0, 7 * _MAX_LENGTH_BYTES, 7):
        if body >= filled:
            return None
        digit = data[body]
        length |= (digit & 0x7F) << shift
        body += 1
        if digit < 0x80:  # noqa: PLR2004 - MQTT 5, 1.5.5: the last digit of a length
            end = body + length
            return Span(start, body, end) if end <= filled else None
    return Span(start, filled, filled)


def read_puback(data: bytearray, span: Span) -> tuple[int, int]:
    """Message id and reason code of a PUBACK; id 0, which no message has, where it is malformed."""
    _, body, end = span
    if end - body < 2:  # noqa: PLR2004 - bytes of an id
        return 0, 0
    code = data[body + 2] if end - body > 2 else 0  # noqa: PLR2004 - MQTT 5, 3.4.2.1
    return data[body] << 8 | data[body + 1], code


def read_publish(data: bytearray, span: Span, *, is_5: bool) -> Published | None:
    """A PUBLISH without properties; None for any other, or when something is wrong with it."""
    start, body, end = span
    first = data[start]
    qos = first & _QOS_MASK
    topic_end = body + 2 + int.from_bytes(data[body : body + 2])
    payload = topic_end + (2 if qos else 0)
    if is_5:
        if payload >= end or data[payload]:
            return None
        payload += 1
    if payload > end or qos not in (0, _QOS_1):
        return None
    topic = _topic(bytes(data[body + 2 : topic_end]))
    if topic is None:
        return None
    message_id = int.from_bytes(data[topic_end : topic_end + 2]) if qos else 0
    content = bytes(memoryview(data)[payload:end])
    return Published(topic, content, bool(first & _RETAIN), message_id)


@lru_cache(256)
def _topic(encoded: bytes) -> str | None:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return None


def publish_parts(
    topic: str, payload: bytes, message_id: int, *, retained: bool, is_5: bool
) -> tuple[bytes, ...]:
    """A QoS 1 PUBLISH without properties, in parts that follow each other."""
    head = _topic_head(topic)
    size = len(head) + 2 + is_5 + len(payload)
    first = _FIRST_RETAINED if retained else _FIRST
    return first, _length(size), head, message_id.to_bytes(2), _NO_PROPERTIES[is_5], payload


_FIRST = bytes((PUBLISH | _QOS_1,))
_FIRST_RETAINED = bytes((PUBLISH | _QOS_1 | _RETAIN,))
_NO_PROPERTIES = (b"", b"\x00")  # MQTT 3.1.1 knows none


def puback_packets(message_ids: Iterable[int]) -> bytes:
    """PUBACKs, one behind the other."""
    return b"".join(_PUBACK_HEAD + message_id.to_bytes(2) for message_id in message_ids)


_PUBACK_HEAD = bytes((PUBACK, 2))


@lru_cache(256)
def _topic_head(topic: str) -> bytes:
    encoded = topic.encode()
    return len(encoded).to_bytes(2) + encoded


@lru_cache(1024)
def _length(size: int) -> bytes:
    """A packet's remaining length: seven bits a byte, the lowest first."""
    digits = bytearray()
    while size > 0x7F:  # noqa: PLR2004 - what one byte holds
        digits.append(size & 0x7F | 0x80)
        size >>= 7
    digits.append(size)
    return bytes(digits)
