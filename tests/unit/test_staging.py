"""The log: appending, tailing, and what happens to files."""

import os
import shutil
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from citywx.staging.appender import Appender, LogInUseError
from citywx.staging.lines import Line, LineKind, Rejected, read_record
from citywx.staging.position import (
    Checkpoint,
    Position,
    load_checkpoint,
    save_checkpoint,
)
from citywx.staging.segments import deletable_segments, list_segments
from citywx.staging.tail import Tail
from citywx.weather.reading import Reading, to_csv_line

START = datetime(2026, 3, 1, tzinfo=UTC)
HEADER = b"timestamp,city,temperature_c,humidity,pressure,wind_speed,weather\n"
FAR = START + timedelta(days=1)
NO_LIMIT = 1 << 40


def row(number: int) -> bytes:
    moment = START + timedelta(minutes=number)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ},Oslo,{number % 40},60,1013,2.5,snow\n".encode()


def reading(number: int) -> Reading:
    return Reading(START + timedelta(minutes=number), "Oslo", float(number % 40))


def drain(tail: Tail) -> list[Line]:
    lines: list[Line] = []
    while batch := tail.read():
        lines += batch
    return lines


def records(tail: Tail) -> list[bytes]:
    return [line.data + b"\n" for line in drain(tail) if line.kind is LineKind.RECORD]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "readings.csv"


def append(log: Path, data: bytes) -> None:
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as file:
        file.write(data)


def test_lines_come_with_their_offsets_and_only_when_whole(log: Path) -> None:
    append(log, HEADER + row(0) + row(1)[:10])
    tail = Tail(log)

    header, first = drain(tail)
    assert header.kind is LineKind.HEADER
    assert (first.offset, first.end) == (len(HEADER), len(HEADER) + len(row(0)))
    assert tail.read() == []

    append(log, row(1)[10:])
    assert records(tail) == [row(1)]


def test_nothing_is_there_until_a_segment_has_a_data_line(log: Path) -> None:
    tail = Tail(log)
    assert tail.read() == []
    append(log, HEADER)
    assert tail.read() == []
    append(log, row(0))
    assert records(tail) == [row(0)]


def test_reading_goes_on_from_a_checkpoint(log: Path, tmp_path: Path) -> None:
    append(log, HEADER + row(0) + row(1))
    tail = Tail(log)
    lines = drain(tail)
    checkpoint = tail.checkpoint(Position(lines[1].segment, lines[1].end))
    assert checkpoint is not None
    save_checkpoint(tmp_path / "state" / "x.json", checkpoint)

    again = Tail(log, load_checkpoint(tmp_path / "state" / "x.json"))
    assert records(again) == [row(1)]


def test_a_reader_that_starts_behind_the_header_knows_the_columns(log: Path) -> None:
    append(log, b"city,timestamp,temperature_c\nOslo,2026-03-01T00:00:00Z,4\n")
    tail = Tail(log)
    drain(tail)
    assert tail.position is not None
    again = Tail(log, tail.checkpoint(tail.position))
    append(log, b"Oslo,2026-03-01T00:01:00Z,5\n")

    [line] = drain(again)
    got = read_record(line, earliest=START, latest=FAR)
    assert isinstance(got, Reading)
    assert got.temperature_c == 5.0


def test_a_closed_segment_is_drained_before_the_next_one(log: Path) -> None:
    append(log, HEADER + row(0))
    tail = Tail(log)
    assert records(tail) == [row(0)]

    append(log, row(1))
    log.rename(log.with_name("readings-000001.csv"))
    append(log.with_name("readings-000001.csv"), row(2))
    append(log, HEADER + row(3))

    assert records(tail) == [row(1), row(2), row(3)]


def test_a_segment_that_was_closed_while_the_reader_was_away_is_found(log: Path) -> None:
    append(log, HEADER + row(0))
    tail = Tail(log)
    drain(tail)
    assert tail.position is not None
    checkpoint = tail.checkpoint(tail.position)
    append(log, row(1))
    log.rename(log.with_name("readings-000001.csv"))
    append(log, HEADER + row(2))

    assert records(Tail(log, checkpoint)) == [row(1), row(2)]


def test_a_truncated_file_is_read_again(log: Path) -> None:
    append(log, HEADER + row(0) + row(1))
    tail = Tail(log)
    drain(tail)
    log.write_bytes(HEADER + row(5))
    assert records(tail) == [row(5)]


def test_a_file_rewritten_to_the_same_length_is_read_again(log: Path) -> None:
    append(log, HEADER + row(0) + row(1))
    tail = Tail(log)
    drain(tail)
    log.write_bytes(HEADER + row(2) + row(3))
    assert records(tail) == [row(2), row(3)]


def test_a_file_replaced_in_place_is_read_from_its_start(log: Path) -> None:
    append(log, HEADER + row(0))
    tail = Tail(log)
    drain(tail)
    new = log.with_name("new.csv")
    new.write_bytes(HEADER + row(7) + row(8))
    new.replace(log)
    assert records(tail) == [row(7), row(8)]


def test_a_checkpoint_of_another_file_reads_everything(log: Path) -> None:
    append(log, HEADER + row(0))
    elsewhere = Checkpoint(Position("000001-0123456789ab", 500), "0" * 64)
    assert records(Tail(log, elsewhere)) == [row(0)]


def test_a_log_begun_anew_is_read_from_its_beginning(log: Path) -> None:
    append(log, HEADER + row(0))
    later = Checkpoint(Position("000009-0123456789ab", 500), "0" * 64)
    assert records(Tail(log, later)) == [row(0)]


def test_what_is_no_regular_file_is_waited_out(log: Path) -> None:
    log.mkdir(parents=True)
    tail = Tail(log)
    assert tail.read() == []
    log.rmdir()
    os.mkfifo(log)
    assert tail.read() == []
    log.unlink()
    append(log, HEADER + row(0))
    assert records(tail) == [row(0)]


def test_a_line_that_is_too_long_costs_only_itself(log: Path) -> None:
    append(log, HEADER + row(0) + b"x" * 3_000_000)
    tail = Tail(log)
    assert records(tail) == [row(0)]
    append(log, b"x\n" + row(1))

    oversize, after = drain(tail)
    assert oversize.kind is LineKind.OVERSIZE
    assert len(oversize.data) == 4096
    assert after.data + b"\n" == row(1)


def test_a_closed_segment_with_an_unfinished_line_rejects_it_and_goes_on(log: Path) -> None:
    append(log, HEADER + row(0) + row(1)[:20])
    tail = Tail(log)
    drain(tail)
    log.rename(log.with_name("readings-000001.csv"))
    append(log, HEADER + row(2))

    lines = drain(tail)
    assert [line.kind for line in lines] == [
        LineKind.UNFINISHED,
        LineKind.HEADER,
        LineKind.RECORD,
    ]
    verdict = read_record(lines[0], earliest=START, latest=START)
    assert isinstance(verdict, Rejected)
    assert "unfinished" in verdict.reason


def test_a_closed_segment_without_data_is_passed_over(log: Path) -> None:
    log.parent.mkdir()
    log.with_name("readings-000001.csv").write_bytes(HEADER)
    log.with_name("readings-000002.csv").write_bytes(b"")
    append(log, HEADER + row(0))
    assert records(Tail(log)) == [row(0)]


def test_a_header_that_says_something_else_in_mid_file_is_a_rejected_line(log: Path) -> None:
    append(log, HEADER + row(0) + HEADER + b"timestamp,city\n" + row(1))
    kinds = [line.kind for line in drain(Tail(log))]
    assert kinds.count(LineKind.HEADER) == 2
    assert kinds.count(LineKind.RECORD) == 3


def test_it_knows_when_nothing_is_left_of_the_file_that_is_appended_to(log: Path) -> None:
    append(log, HEADER + b"".join(row(number) for number in range(1000)))
    tail = Tail(log)
    tail.read(100)
    assert not tail.drained
    drain(tail)
    append(log, row(1000))
    assert [line.data for line in tail.read()] == [row(1000)[:-1]]
    assert tail.drained
    append(log, row(1001))
    log.rename(log.with_name("readings-000001.csv"))
    append(log, HEADER + row(1002))
    assert [line.data for line in tail.read()] == [row(1001)[:-1]]
    assert not tail.drained
    tail.read()
    assert tail.drained


def test_backlog_counts_what_is_not_read(log: Path) -> None:
    append(log, HEADER + row(0))
    tail = Tail(log)
    assert tail.backlog_bytes() == len(HEADER + row(0))
    drain(tail)
    assert tail.backlog_bytes() == 0
    append(log, row(1))
    assert tail.backlog_bytes() == len(row(1))


def test_the_appender_writes_whole_stamped_lines_and_a_header(log: Path) -> None:
    with Appender(log, NO_LIMIT) as appender:
        appender.append([reading(0), reading(1)])
        appender.append([])
    header, *lines = drain(Tail(log))
    assert header.kind is LineKind.HEADER
    got = [read_record(line, earliest=START, latest=FAR) for line in lines]
    assert [one.temperature_c for one in got if isinstance(one, Reading)] == [0.0, 1.0]
    assert all(isinstance(one, Reading) and one.fetched_at for one in got)


def test_a_torn_line_of_a_killed_writer_costs_that_line_alone(log: Path) -> None:
    with Appender(log, NO_LIMIT) as appender:
        appender.append([reading(0)])
    append(log, row(1)[:25])
    with Appender(log, NO_LIMIT) as appender:
        appender.append([reading(2)])

    lines = drain(Tail(log))[1:]
    verdicts = [read_record(line, earliest=START, latest=FAR) for line in lines]
    assert [type(verdict) for verdict in verdicts] == [Reading, Rejected, Reading]


def test_a_file_with_other_columns_is_closed_before_ours_begins(log: Path) -> None:
    append(log, HEADER + row(0) + row(1)[:25])
    with Appender(log, NO_LIMIT) as appender:
        appender.append([reading(2)])

    lines = [line for line in drain(Tail(log)) if line.kind is not LineKind.HEADER]
    verdicts = [read_record(line, earliest=START, latest=FAR) for line in lines]
    assert [type(verdict) for verdict in verdicts] == [Reading, Rejected, Reading]
    assert [segment.path.name for segment in list_segments(log)] == [
        "readings-000001.csv",
        "readings.csv",
    ]


def test_a_log_has_one_writer(log: Path) -> None:
    with Appender(log, NO_LIMIT), pytest.raises(LogInUseError, match="already has a writer"):
        Appender(log, NO_LIMIT)
    Appender(log, NO_LIMIT).close()


def test_a_writer_beside_the_poller_follows_it_to_the_next_segment(log: Path) -> None:
    with (
        Appender(log, rotate_bytes=200) as poller,
        Appender(log, NO_LIMIT, beside_poller=True) as other,
    ):
        for number in range(0, 12, 3):
            poller.append([reading(number), reading(number + 1)])
            other.append([reading(number + 2)])
    assert len(list_segments(log)) > 3
    lines = drain(Tail(log))
    assert len(records(Tail(log))) == 12
    assert sum(line.kind is LineKind.HEADER for line in lines) == len(list_segments(log))


def test_a_writer_waits_for_the_others_turn(log: Path) -> None:
    with Appender(log, NO_LIMIT) as poller, Appender(log, NO_LIMIT, beside_poller=True) as other:
        writing = threading.Thread(target=lambda: other.append([reading(1)]))
        with poller._turn():
            writing.start()
            writing.join(0.2)
            assert writing.is_alive()
        writing.join()
    assert len(records(Tail(log))) == 1


def test_a_large_segment_is_closed_and_numbers_go_up(log: Path) -> None:
    with Appender(log, rotate_bytes=200) as appender:
        for number in range(9):
            appender.append([reading(number)])
    names = [segment.path.name for segment in list_segments(log)]
    assert names == [*(f"readings-{n:06d}.csv" for n in range(1, len(names))), "readings.csv"]
    assert len(names) > 2
    assert len(records(Tail(log))) == 9


def test_only_segments_that_every_consumer_is_past_may_go_and_never_the_newest(log: Path) -> None:
    log.parent.mkdir()
    for number in (1, 2, 3):
        log.with_name(f"readings-{number:06d}.csv").write_bytes(HEADER + row(number))
    append(log, HEADER + row(4))

    def sequences(*reached: int) -> list[int]:
        positions = [Position(f"{number:06d}-x", 0) for number in reached]
        return [segment.sequence for segment in deletable_segments(log, positions)]

    assert sequences(4, 4) == [1, 2]
    assert sequences(4, 2) == [1]
    assert sequences(1, 4) == []
    assert sequences() == []


def test_a_checkpoint_survives_every_truncation(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"
    checkpoint = Checkpoint(Position("000001-0123456789ab", 7), "ab")
    save_checkpoint(path, checkpoint)
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        assert load_checkpoint(path) is None
    for index in range(len(whole) - 1):
        path.write_bytes(whole[:index] + b"\x00" + whole[index + 1 :])
        assert load_checkpoint(path) is None
    path.write_bytes(whole)
    assert load_checkpoint(path) == checkpoint


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"
    first = Checkpoint(Position("000001-0123456789ab", 7), "ab")
    save_checkpoint(path, first)
    save_checkpoint(path, Checkpoint(Position("000001-0123456789ab", 9), "cd"))
    path.write_bytes(b"")
    assert load_checkpoint(path) == first


def test_a_checkpoint_is_never_absent_while_it_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.json"
    save_checkpoint(path, Checkpoint(Position("000001-0123456789ab", 0), "ab"))
    done = threading.Event()

    def save_often() -> None:
        for offset in range(300):
            save_checkpoint(path, Checkpoint(Position("000001-0123456789ab", offset), "ab"))
        done.set()

    saver = threading.Thread(target=save_often)
    saver.start()
    while not done.is_set():
        assert path.read_bytes()
    saver.join()


class LogUnderRandomActions(RuleBasedStateMachine):
    """Whatever is appended, split, rotated or interrupted: each line is read once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.seen: list[bytes] = []
        self.half = b""
        self.folder = Path(tempfile.mkdtemp())
        self.log = self.folder / "readings.csv"
        self.log.write_bytes(HEADER)
        self.tail = Tail(self.log)

    @rule(count=st.integers(1, 5))
    def append(self, count: int) -> None:
        lines = [row(len(self.written) + index) for index in range(count)]
        if self.half:
            lines[0] = lines[0][len(self.half) :]
        append(self.log, b"".join(lines))
        for line in lines:
            self.written.append(self.half + line)
            self.half = b""

    @precondition(lambda self: not self.half)
    @rule(length=st.integers(1, 30))
    def append_half(self, length: int) -> None:
        self.half = row(len(self.written))[:length]
        append(self.log, self.half)

    @precondition(lambda self: not self.half)
    @rule()
    def rotate(self) -> None:
        sequence = list_segments(self.log)[-1].sequence
        self.log.rename(self.log.with_name(f"readings-{sequence:06d}.csv"))
        self.log.write_bytes(HEADER)

    @rule()
    def read(self) -> None:
        self.seen += records(self.tail)

    @rule()
    def restart(self) -> None:
        self.seen += records(self.tail)
        position = self.tail.position
        checkpoint = self.tail.checkpoint(position) if position else None
        if checkpoint is not None or not self.seen:
            self.tail.close()
            self.tail = Tail(self.log, checkpoint)

    @invariant()
    def nothing_is_lost_doubled_or_reordered(self) -> None:
        assert self.seen == self.written[: len(self.seen)]

    def teardown(self) -> None:
        try:
            self.seen += records(self.tail)
            assert self.seen == self.written
        finally:
            self.tail.close()
            shutil.rmtree(self.folder)


TestLogUnderRandomActions = LogUnderRandomActions.TestCase
TestLogUnderRandomActions.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)


def test_a_checkpoint_never_vouches_for_bytes_that_were_not_read(log: Path) -> None:
    first, second, third = (to_csv_line(reading(number)) for number in (1, 2, 3))
    assert len(second) == len(third)
    log.parent.mkdir()
    log.write_bytes(first + second)
    tail = Tail(log)
    end = Position(*[(line.segment, line.end) for line in tail.read()][-1])
    assert tail.checkpoint(end) is not None
    os.truncate(log, len(first))
    with log.open("ab") as file:
        file.write(third)
    assert tail.checkpoint(end) is None
    tail.close()
