"""The small parts of the speed layer: outbox, background work, hints."""

import errno
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event, get_ident

import pytest
from watchdog.observers.api import BaseObserver, EventEmitter

from streaming.background import Background
from streaming.broker import Broker, Message, Outcome
from streaming.hints import InotifyHints, LogHints, ObserverHints
from streaming.mqtt import Connection
from streaming.outbox import Outbox
from tests.support.log_messages import append, line

DEADLINE_SECONDS = 10


class FakeConnection(Connection):
    """A connection that is up or down as the test says."""

    def __init__(self) -> None:
        self.session = 1
        self.send_maximum = 100
        self.up = True
        self.sent: list[bytes] = []
        self.answers: deque[Outcome] = deque()

    def publish_all(self, messages: Sequence[Message]) -> list[int]:
        if not self.up:
            return []
        first = len(self.sent) + 1
        self.sent += [message.payload for message in messages]
        return list(range(first, len(self.sent) + 1))

    def outcomes(self) -> list[Outcome]:
        taken = list(self.answers)
        self.answers.clear()
        return taken


def messages(*numbers: int) -> list[Message]:
    return [Message("weather/alerts", str(number).encode()) for number in numbers]


def test_the_outbox_sends_at_once_while_the_broker_is_there() -> None:
    connection = FakeConnection()
    outbox = Outbox(connection)
    for message in messages(1, 2):
        outbox.put(message)
    assert connection.sent == [b"1", b"2"]


def test_what_was_not_acknowledged_is_sent_again_in_order_after_a_reconnect() -> None:
    connection = FakeConnection()
    outbox = Outbox(connection)
    for message in messages(1, 2, 3):
        outbox.put(message)
    connection.answers.append(Outcome(2, 0, "Success"))
    outbox.flush()
    connection.up = False
    outbox.put(messages(4)[0])
    connection.up, connection.session, connection.sent = True, 2, []
    outbox.flush()
    assert connection.sent == [b"1", b"3", b"4"]


def test_the_outbox_is_bounded_and_gives_up_the_oldest() -> None:
    connection = FakeConnection()
    connection.up = False
    outbox = Outbox(connection, max_kept=2)
    for message in messages(1, 2, 3):
        outbox.put(message)
    connection.up = True
    outbox.flush()
    assert connection.sent == [b"2", b"3"]
    assert outbox.given_up == 1


def test_a_refused_message_is_given_up_and_counted() -> None:
    connection = FakeConnection()
    outbox = Outbox(connection)
    outbox.put(messages(1)[0])
    connection.answers.append(Outcome(1, 0x87, "Not authorized"))
    outbox.flush()
    assert outbox.given_up == 1


def test_the_outbox_keeps_to_the_brokers_receive_maximum() -> None:
    connection = FakeConnection()
    connection.send_maximum = 1
    outbox = Outbox(connection)
    for message in messages(1, 2):
        outbox.put(message)
    assert connection.sent == [b"1"]
    connection.answers.append(Outcome(1, 0, "Success"))
    outbox.flush()
    assert connection.sent == [b"1", b"2"]


def test_background_work_runs_on_another_thread_one_job_at_a_time() -> None:
    background = Background("test")
    go_on = Event()
    threads = []

    def job() -> None:
        threads.append(get_ident())
        go_on.wait(DEADLINE_SECONDS)

    assert background.idle
    background.start(job)
    assert not background.idle
    go_on.set()
    background.finish(lambda: threads.append(get_ident()))
    assert threads[0] != threads[1] == get_ident()


def test_a_failure_that_was_foreseen_is_logged_once_and_work_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    background = Background("saving", (OSError,))

    def fail() -> None:
        raise OSError(28, "No space left on device")

    for _ in range(2):
        done = Event()
        background.start(fail)
        background._executor.submit(done.set)
        done.wait(DEADLINE_SECONDS)
        assert background.idle
    background.finish()
    assert caplog.text.count("No space left") == 1


def test_a_failure_that_was_not_foreseen_ends_its_owner() -> None:
    background = Background("saving", (OSError,))
    background.start(lambda: {}["missing"])
    with pytest.raises(KeyError):
        background.finish()


KINDS = [InotifyHints, ObserverHints] if sys.platform == "linux" else [ObserverHints]


@pytest.fixture
def loop() -> Iterator[Connection]:
    connection = Connection(Broker("127.0.0.1", 9), "nobody")
    yield connection
    connection.close()


def wakes(loop: Connection, hints: LogHints, seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether the loop is woken before that time has passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if loop.wait(min(0.1, seconds)):
            hints.drain()
            return True
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_in_the_log_wakes_the_bridge(
    tmp_path: Path, loop: Connection, kind: type[LogHints]
) -> None:
    log = tmp_path / "log" / "readings.csv"
    hints = kind(log, loop)
    hints.look_after()  # the folder is not there yet
    append(log, line(0))
    hints.look_after()
    assert not wakes(loop, hints, 0.01)
    append(log, line(1))
    assert wakes(loop, hints)
    hints.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_once_drained_it_does_not_wake_again(
    tmp_path: Path, loop: Connection, kind: type[LogHints]
) -> None:
    log = tmp_path / "readings.csv"
    append(log, line(0))
    hints = kind(log, loop)
    hints.look_after()
    append(log, line(1))
    assert wakes(loop, hints)
    while wakes(loop, hints, 0.2):
        pass
    append(log, line(2))
    assert wakes(loop, hints)
    hints.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_that_was_made_anew_is_watched_again(
    tmp_path: Path, loop: Connection, kind: type[LogHints]
) -> None:
    log = tmp_path / "log" / "readings.csv"
    append(log, line(0))
    hints = kind(log, loop)
    hints.look_after()
    log.parent.rename(tmp_path / "old")
    append(log, line(0))
    hints.look_after()
    while wakes(loop, hints, 0.2):
        pass
    append(log, line(1))
    assert wakes(loop, hints)
    hints.stop()


class RefusedObserver(BaseObserver):
    """An observer that the kernel has no watches left for."""

    made = 0

    def __init__(self) -> None:
        super().__init__(EventEmitter)
        RefusedObserver.made += 1

    def start(self) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")


def test_a_folder_that_cannot_be_watched_is_not_asked_for_again_and_again(
    tmp_path: Path, loop: Connection
) -> None:
    RefusedObserver.made = 0
    hints = ObserverHints(tmp_path / "readings.csv", loop, RefusedObserver)
    for _ in range(5):
        hints.look_after()
    hints.stop()
    assert RefusedObserver.made == 1  # each attempt would cost three descriptors for good
