"""MQTT's packets are cut out of whatever pieces the network brings, and read only when usual."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.packets import (
    PacketBuffer,
    Published,
    puback_packets,
    publish_parts,
    read_puback,
    read_publish,
)

TOPIC = "weather/readings"


def packet(payload: bytes, message_id: int = 7, *, retained: bool = False, is_5: bool) -> bytes:
    return b"".join(publish_parts(TOPIC, payload, message_id, retained=retained, is_5=is_5))


def whole(*pieces: bytes) -> list[bytes]:
    buffer = PacketBuffer()
    return [
        bytes(buffer.data[span.start : span.end])
        for piece in pieces
        for span in buffer.packets(piece)
    ]


def published(data: bytes, *, is_5: bool = True) -> Published | None:
    buffer = PacketBuffer()
    (found,) = [read_publish(buffer.data, span, is_5=is_5) for span in buffer.packets(data)]
    return found


@given(
    sizes=st.lists(st.sampled_from([0, 1, 100, 127, 128, 16_383, 20_000]), max_size=8),
    cuts=st.lists(st.integers(0, 40_000), max_size=8),
)
def test_packets_come_out_whole_whatever_pieces_they_come_in(
    sizes: list[int], cuts: list[int]
) -> None:
    sent = [packet(b"x" * size, is_5=True) for size in sizes] + [puback_packets([1])]
    stream = b"".join(sent)
    ends = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    assert whole(*(stream[start:end] for start, end in pairwise(ends))) == sent


@pytest.mark.parametrize("protocol", [5, 4])
@pytest.mark.parametrize("flags", [{"retained"}, set()])
def test_a_message_is_read_as_it_was_written(protocol: int, flags: set[str]) -> None:
    is_5, retained = protocol == 5, "retained" in flags
    data = packet(b"payload", 0xABCD, retained=retained, is_5=is_5)
    assert published(data, is_5=is_5) == Published(TOPIC, b"payload", retained, 0xABCD)


def test_a_message_without_acknowledgement_has_no_id() -> None:
    found = published(b"\x30\x07\x00\x03a/b\x00x")
    assert found == Published("a/b", b"x", retained=False, message_id=0)


@pytest.mark.parametrize(
    "data",
    [
        b"\x32\x0b\x00\x03a/b\x00\x07\x02\x01\x01x",  # a property
        b"\x34\x09\x00\x03a/b\x00\x07\x00x",  # QoS 2
        b"\x32\x09\x00\x03a/\xff\x00\x07\x00x",  # a topic that is no text
        b"\x32\x09\x00\x30a/b\x00\x07\x00x",  # a topic longer than all
        b"\x32\x05\x00\x03a/b",  # no id
        b"\x32\x00",
    ],
)
def test_what_is_unusual_or_wrong_is_left_to_paho(data: bytes) -> None:
    assert published(data) is None


def test_an_acknowledgement_tells_its_id_and_reason() -> None:
    buffer = PacketBuffer()
    data = puback_packets([1, 0xABCD]) + b"\x40\x03\x00\x09\x10" + b"\x40\x00"
    read = [read_puback(buffer.data, span) for span in buffer.packets(data)]
    assert read == [(1, 0), (0xABCD, 0), (9, 0x10), (0, 0)]


def test_a_length_that_is_none_passes_on_all_of_the_rest() -> None:
    rest = b"\x30\xff\xff\xff\xff\x01 and so on"
    assert whole(puback_packets([1]) + rest) == [puback_packets([1]), rest]


def test_a_length_that_is_cut_off_waits_for_more() -> None:
    assert whole(b"\x30\xff\xff\xff") == []
