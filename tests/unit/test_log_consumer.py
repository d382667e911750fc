"""The consumer delivers the log's readings once and in order, whatever the broker does."""

import random
from itertools import count
from pathlib import Path

import pytest

from citywx.staging.position import Checkpoint, Position
from streaming.broker import Message
from streaming.consumer import LogConsumer
from streaming.log_source import LogFiles
from streaming.messages import READINGS
from tests.support.log_messages import EARLIEST, HEADER, START, append, line, messages_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "readings.csv"


class Driver:
    """Feeds a consumer, with a clock that only moves when told to."""

    def __init__(self, log: Path, checkpoint: Checkpoint | None = None) -> None:
        self.consumer = LogConsumer(LogFiles(log, EARLIEST), checkpoint)
        self.now = 100.0

    def take(self, *messages: Message) -> list[int]:
        """The numbers of the readings that come out until the consumer is live again."""
        found = self.consumer.take(messages, self.now)
        while self.consumer.behind:
            found += self.consumer.take((), self.now)
        return [int((item.reading.timestamp - START).total_seconds() // 60) for item in found]


def test_it_begins_at_the_logs_beginning(log: Path) -> None:
    append(log, line(0), line(1))
    driver = Driver(log)
    assert driver.take() == [0, 1]
    assert driver.consumer.counts.from_log == 2


def test_the_next_message_is_delivered_without_reading_the_log(log: Path) -> None:
    append(log, line(0))
    driver = Driver(log)
    driver.take()
    append(log, line(1), line(2))
    log_messages = messages_of(log)
    log.unlink()
    assert driver.take(*log_messages[1:]) == [1, 2]
    assert driver.consumer.counts.from_mqtt == 2


def test_a_message_that_comes_twice_is_dropped(log: Path) -> None:
    append(log, line(0), line(1))
    driver = Driver(log)
    driver.take()
    first, second = messages_of(log)
    assert driver.take(second, first, second) == []
    assert driver.consumer.counts.duplicates == 3


def test_a_lost_message_is_read_from_the_log(log: Path) -> None:
    append(log, line(0))
    driver = Driver(log)
    driver.take()
    append(log, line(1), line(2), line(3))
    assert driver.take(messages_of(log)[3]) == [1, 2, 3]
    assert driver.consumer.counts.gaps == 1


def test_reordered_messages_are_delivered_in_log_order(log: Path) -> None:
    append(log, line(0))
    driver = Driver(log)
    driver.take()
    append(log, *(line(n) for n in range(1, 9)))
    messages = messages_of(log)[1:]
    random.Random(1).shuffle(messages)  # noqa: S311 - a seeded test
    found = [number for message in messages for number in driver.take(message)]
    assert found == list(range(1, 9))


def test_rejected_and_blank_lines_between_two_readings_are_no_gap(log: Path) -> None:
    append(log, line(0))
    driver = Driver(log)
    driver.take()
    append(log, line(1), b"nonsense\n", b"\n", line(2))
    assert driver.take(*messages_of(log)) == [1, 2]
    assert driver.consumer.counts.gaps == 0
    driver.now += 2
    append(log, b"more nonsense\n")
    assert driver.take() == []  # read from the log: the position is now behind the rejected line
    append(log, line(3))
    assert driver.take(messages_of(log)[-1]) == [3]
    assert driver.consumer.counts.gaps == 0


def test_with_a_silent_broker_it_reads_the_log_by_itself(log: Path) -> None:
    append(log, line(0))
    driver = Driver(log)
    driver.take()
    append(log, line(1))
    driver.now += 0.5
    assert driver.take() == []
    driver.now += 1
    assert driver.take() == [1]


def test_behind_a_flood_of_messages_that_it_knows_it_reads_the_log_by_itself(log: Path) -> None:
    append(log, *(line(n) for n in range(20)))
    driver = Driver(log)
    driver.take()
    known = messages_of(log)
    append(log, line(20))
    found = []
    for message in known:  # the bridge catches up, and its newest line is not there yet
        driver.now += 0.1
        found += driver.take(message)
    assert found == [20]


def test_a_new_segment_follows_the_closed_one(log: Path) -> None:
    append(log, line(0))
    driver = Driver(log)
    driver.take()
    append(log, line(1))
    log.rename(log.with_name("readings-000001.csv"))
    append(log, line(2), line(3))
    messages = messages_of(log)
    assert driver.take(messages[2]) == [1, 2, 3]
    append(log, line(4))
    assert driver.take(messages_of(log)[-1]) == [4]
    assert driver.consumer.counts.from_mqtt == 1


def test_messages_of_an_older_segment_are_dropped(log: Path) -> None:
    append(log, line(0))
    old = messages_of(log)
    log.rename(log.with_name("readings-000001.csv"))
    append(log, line(1))
    driver = Driver(log)
    assert driver.take() == [0, 1]
    assert driver.take(*old) == []
    assert driver.consumer.counts.duplicates == 1


def test_a_file_that_was_replaced_is_read_from_its_beginning(log: Path) -> None:
    append(log, *(line(n) for n in range(5)))
    driver = Driver(log)
    driver.take()
    log.unlink()
    append(log, line(10), line(11))
    assert driver.take(messages_of(log)[0]) == [10, 11]


def test_a_log_begun_anew_with_the_same_first_line_is_noticed(log: Path) -> None:
    append(log, *(line(n) for n in range(5)))
    driver = Driver(log)
    driver.take()
    log.write_bytes(b"")
    append(log, line(0), *(line(n) for n in range(20, 30)))
    driver.now += 2
    assert driver.take(messages_of(log)[0]) == [0, *range(20, 30)]


def test_it_continues_from_its_checkpoint(log: Path) -> None:
    append(log, line(0), line(1))
    driver = Driver(log)
    driver.take()
    checkpoint = driver.consumer.checkpoint()
    append(log, line(2))
    assert Driver(log, checkpoint).take() == [2]


def test_a_checkpoint_taken_between_messages_is_exact(log: Path) -> None:
    append(log, line(0))
    driver = Driver(log)
    driver.take()
    append(log, line(1), line(2))
    driver.take(messages_of(log)[1])
    assert Driver(log, driver.consumer.checkpoint()).take() == [2]


def test_a_checkpoint_never_vouches_for_lines_that_were_not_delivered(log: Path) -> None:
    append(log, line(0), line(1))
    driver = Driver(log)
    driver.take()
    append(log, line(2), line(3))
    third = messages_of(log)[2]
    log.write_bytes(HEADER + line(0) + line(11) + line(12) + line(13))
    driver.take(third)
    assert Driver(log, driver.consumer.checkpoint()).take() == [0, 11, 12, 13]


def test_with_a_foreign_checkpoint_it_begins_again(log: Path) -> None:
    append(log, line(0), line(1))
    foreign = Checkpoint(Position("000001-000000000000", 40), "00")
    assert Driver(log, foreign).take() == [0, 1]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b'{"v":1,"city":"\xff"}',
        b"\n\n",
        b"[]",
        b"{}",
        b"[" * 5000,
        b'{"segment":"x","offset":1,"end":2,"prev_end":0}',
    ],
)
def test_a_poison_message_is_counted_and_dropped(log: Path, payload: bytes) -> None:
    append(log, line(0))
    driver = Driver(log)
    driver.take()
    assert driver.take(Message(READINGS, payload)) == []
    assert driver.consumer.counts.unreadable == 1


def test_before_there_is_a_log_it_waits(log: Path) -> None:
    driver = Driver(log)
    assert driver.take() == []
    assert driver.consumer.position is None
    append(log, line(0))
    assert driver.take(*messages_of(log)) == [0]


@pytest.mark.parametrize("seed", range(20))
def test_any_mix_of_loss_doubling_and_disorder_delivers_every_reading_once(
    log: Path, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seeded test
    driver = Driver(log)
    numbers = count()
    found: list[int] = []
    written = 0
    for _ in range(30):
        action = dice.random()
        if action < 0.6:
            fresh = [next(numbers) for _ in range(dice.randint(1, 4))]
            append(log, *(b"bad\n" if dice.random() < 0.1 else line(n) for n in fresh))
            written += len(fresh)
        elif action < 0.7 and log.exists():
            sequence = len(list(log.parent.glob("readings-*.csv"))) + 1
            log.rename(log.with_name(f"readings-{sequence:06d}.csv"))
        else:
            some = [m for m in messages_of(log)[-6:] if dice.random() < 0.7]
            dice.shuffle(some)
            found += driver.take(*some)
            driver.now += dice.random()
    driver.now += 5
    found += driver.take()
    lines = b"".join(p.read_bytes() for p in log.parent.glob("readings*.csv"))
    assert len(found) == len(set(found)) == lines.count(b"Oslo")
    assert found == sorted(found)
