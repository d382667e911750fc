"""The bridge's window and pacing: what moves the position, and what holds it."""

from citywx.staging.position import Position
from streaming.broker import Message
from streaming.pacing import SILENT_SECONDS, Pacing
from streaming.status import Status
from streaming.window import Entry, Tally, Window

MESSAGE = Message("weather/readings", b"{}")


PUBLISHED, REJECTED, SKIPPED = Tally(published=1), Tally(rejected=1), Tally(skipped=1)


def entry(number: int, tally: Tally = PUBLISHED) -> Entry:
    return Entry(Position("000001-abc", number), tally, None if tally.skipped else MESSAGE)


def window_of(*tallies: Tally) -> tuple[Window, list[Entry]]:
    window = Window()
    entries = [entry(number, tally) for number, tally in enumerate(tallies, 1)]
    for number, one in enumerate(entries, 1):
        window.add(one)
        if one.message is not None:
            window.sent(one, number)
    return window, entries


def test_the_bytes_that_wait_are_counted_until_they_are_acknowledged() -> None:
    window, _ = window_of(PUBLISHED, SKIPPED, REJECTED)
    assert window.payload_bytes == 2 * len(MESSAGE.payload)
    window.connection_lost()
    window.refuse(1)
    assert window.payload_bytes == 2 * len(MESSAGE.payload)
    window, _ = window_of(PUBLISHED)
    window.acknowledge(1)
    window.acknowledge(1)
    assert window.payload_bytes == 0


def test_only_an_unbroken_run_of_acknowledgements_moves_the_position() -> None:
    window, entries = window_of(PUBLISHED, PUBLISHED, PUBLISHED)
    window.acknowledge(2)
    assert window.settle() == []
    window.acknowledge(1)
    assert window.settle() == entries[:2]
    window.acknowledge(3)
    assert window.settle() == entries[2:]
    assert len(window) == 0


def test_rejected_lines_are_acknowledged_before_the_position_passes_them() -> None:
    window, entries = window_of(PUBLISHED, REJECTED, PUBLISHED)
    window.acknowledge(1)
    window.acknowledge(3)
    assert window.settle() == entries[:1]
    window.acknowledge(2)
    assert window.settle() == entries[1:]


def test_skipped_lines_wait_only_for_those_before_them() -> None:
    window, entries = window_of(SKIPPED, PUBLISHED, SKIPPED)
    assert window.settle() == entries[:1]
    window.acknowledge(2)
    assert window.settle() == entries[1:]


def test_a_refused_line_holds_the_position_and_is_sent_again() -> None:
    window, entries = window_of(PUBLISHED, PUBLISHED)
    window.refuse(1)
    window.acknowledge(2)
    assert window.settle() == []
    assert window.unsent() == entries[:1]
    window.sent(entries[0], 7)
    window.acknowledge(7)
    assert window.settle() == entries


def test_after_a_lost_connection_everything_unacknowledged_is_sent_again_in_order() -> None:
    window, entries = window_of(PUBLISHED, PUBLISHED, PUBLISHED)
    window.acknowledge(2)
    window.connection_lost()
    assert window.unsent() == [entries[0], entries[2]]
    window.acknowledge(1)  # an id of the old connection
    assert window.settle() == []


def test_an_unknown_acknowledgement_changes_nothing() -> None:
    window, _ = window_of(PUBLISHED)
    window.acknowledge(99)
    window.refuse(98)
    assert len(window) == 1
    assert window.unsent() == []


def place(offset: int) -> Position:
    return Position("000001-abc", offset)


def paced(ahead: int) -> Pacing:
    pacing = Pacing(max_messages=10, mark_every=2)
    for number in range(ahead):
        pacing.published(place(number + 1), 300)
    return pacing


def test_it_runs_ahead_only_so_far_of_a_consumer_that_is_there() -> None:
    pacing = paced(10)
    pacing.heard(Status("alerter", "running", place(0)), now=0)
    assert not pacing.may_publish(now=1)
    pacing.heard(Status("alerter", "running", place(5)), now=1)
    assert pacing.ahead[0] == 6
    assert pacing.may_publish(now=1)


def test_a_consumer_that_is_silent_is_not_waited_for() -> None:
    pacing = paced(10)
    pacing.heard(Status("alerter", "running", place(0)), now=0)
    assert not pacing.may_publish(now=SILENT_SECONDS)
    assert pacing.may_publish(now=SILENT_SECONDS + 0.1)


def test_a_consumer_that_stopped_or_never_came_is_not_waited_for() -> None:
    pacing = paced(10)
    assert pacing.may_publish(now=0)
    pacing.heard(Status("alerter", "running", place(0)), now=0)
    pacing.heard(Status("alerter", "lost", None), now=1)
    assert pacing.may_publish(now=1)


def test_a_consumer_in_a_later_segment_has_reached_all_of_the_earlier_one() -> None:
    pacing = paced(10)
    pacing.heard(Status("alerter", "running", Position("000002-def", 0)), now=0)
    assert pacing.ahead == (0, 0)


def test_a_log_begun_anew_does_not_hold_it_up() -> None:
    pacing = Pacing(max_messages=10, mark_every=2)
    for offset in range(1000, 1004):  # their consumer had not reached them yet
        pacing.published(Position("000005-old", offset), 300)
    for offset in range(1, 20):
        pacing.published(Position("000001-new", offset), 300)
        pacing.heard(Status("alerter", "running", Position("000001-new", offset)), now=offset)
    assert pacing.may_publish(now=20)


def test_large_messages_fill_a_queue_by_their_bytes() -> None:
    pacing = Pacing(max_messages=1000, max_bytes=100_000, mark_every=500)
    pacing.heard(Status("alerter", "running", place(0)), now=0)
    pacing.published(place(170), 48_000, lines=170)
    assert pacing.may_publish(now=1)
    for number in range(2, 5):
        pacing.published(place(170 * number), 48_000, lines=170)
    assert not pacing.may_publish(now=1)
    pacing.heard(Status("alerter", "running", place(680)), now=1)
    assert pacing.may_publish(now=1)
