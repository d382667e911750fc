"""Lines become messages, one each or packed, and every line is accounted for."""

from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from citywx.staging.lines import Line
from citywx.staging.tail import Tail
from streaming.composer import Composer
from streaming.messages import MAX_BATCH_BYTES, READINGS, READINGS_BATCH, REJECTED, decode_readings
from streaming.window import Entry, Tally
from tests.support.log_messages import EARLIEST, HEADER, append, line

NOW = datetime(2026, 4, 1, tzinfo=UTC)


def lines_of(folder: Path, *raw: bytes) -> deque[Line]:
    log = folder / "readings.csv"
    log.unlink(missing_ok=True)
    append(log, *raw)
    tail = Tail(log)
    lines: deque[Line] = deque()
    while more := tail.read():
        lines.extend(more)
    tail.close()
    return lines


def packed(lines: deque[Line]) -> list[Entry]:
    composer = Composer(None, EARLIEST)
    entries: list[Entry] = []
    while lines:
        entries += composer.batch(lines, NOW)
    return entries


def total(entries: list[Entry]) -> Tally:
    tally = Tally()
    for entry in entries:
        tally.add(entry.tally)
    return tally


def test_a_batch_holds_many_readings_and_never_too_many_bytes(tmp_path: Path) -> None:
    lines = lines_of(tmp_path, *(line(n) for n in range(1000)))
    entries = packed(lines)
    messages = [entry.message for entry in entries if entry.message]
    assert {message.topic for message in messages} == {READINGS_BATCH}
    assert max(len(message.payload) for message in messages) <= MAX_BATCH_BYTES
    items = [item for message in messages for item in decode_readings(message.payload)]
    assert len(items) == 1000
    assert len(messages) < 10
    ends = [0, *(item.end for item, _ in items)]
    assert [prev_end for _, prev_end in items] == ends[:-1]


def test_a_rejected_line_stands_between_two_batches(tmp_path: Path) -> None:
    entries = packed(lines_of(tmp_path, line(0), b"nonsense\n", line(1), b"\n"))
    topics = [entry.message.topic for entry in entries if entry.message]
    assert topics == [READINGS_BATCH, REJECTED, READINGS_BATCH]
    assert [entry.tally.rejected for entry in entries] == [0, 1, 0]


def test_rejected_lines_are_counted_by_the_kind_of_their_reason(tmp_path: Path) -> None:
    bad = (b"2026-03-01T00:00:00Z,Oslo,%d_0,1,2,3,,csv,\n" % number for number in range(5))
    composer = Composer(None, EARLIEST)
    for one in lines_of(tmp_path, *bad):
        composer.single(one, NOW)
    assert composer.reasons == {"temperature_c … is not a number": 5}


_RAW = st.sampled_from([b"\n", b"nonsense\n", HEADER, b"\r\n", b"\x00\n", b"x" * 20_000 + b"\n"])
_MIX = st.lists(st.integers(0, 500).map(line) | _RAW, min_size=1, max_size=60)


@given(mix=_MIX)
def test_packed_or_not_the_same_readings_go_out_and_every_line_is_counted(
    tmp_path_factory: object, mix: list[bytes]
) -> None:
    folder = tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    lines = lines_of(folder, *mix)
    composer = Composer(None, EARLIEST)
    single = [composer.single(one, NOW) for one in lines]
    count = len(lines)
    batches = packed(lines)

    def readings(entries: list[Entry]) -> list[object]:
        return [
            item
            for entry in entries
            if entry.message and entry.message.topic in (READINGS, READINGS_BATCH)
            for item in decode_readings(entry.message.payload)
        ]

    assert readings(single) == readings(batches)
    assert total(single) == total(batches)
    tally = total(batches)
    assert tally.published + tally.rejected + tally.skipped == count
