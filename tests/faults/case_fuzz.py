"""Hostile bytes: on `weather/readings` while real rows flow, in the consumer, and in the log.

A payload that names a place of the real log that has not been read yet is left out, even if it
differs only in a digit of its time: it is a message like the bridge's own, and whoever has the
bridge's password may write those.
"""

import logging
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from streaming.broker import Broker, Message
from streaming.consumer import LogConsumer
from streaming.log_source import LogFiles
from streaming.messages import READINGS, decode_readings
from streaming.mqtt import Connection
from tests.faults.cases import Figures, Options
from tests.faults.hostile import Hostile
from tests.faults.positions import CONSUMERS
from tests.faults.rig import NotWithinError, Plan, Rig, running
from tests.support.log_messages import EARLIEST, START, append, line, messages_of

LINES, QUICK_LINES = 1_000_000, 20_000
PAYLOADS, QUICK_PAYLOADS = 1_000_000, 20_000
OVER_MQTT, QUICK_OVER_MQTT = 20_000, 2_000
_IN_FLIGHT = 50
_KNOWN = 1_000
_ROWS_OF_CONSUMER = 2_000
_CHUNK_LINES = 5_000
_LINES_A_SECOND = 500
"""Slower than this would be a failure."""
_log = logging.getLogger(__name__)


def run(options: Options) -> list[Figures]:
    """First the payloads, beside real rows; then the lines, on the same log."""
    lines = options.number("LINES", LINES, QUICK_LINES)
    payloads = options.number("PAYLOADS", PAYLOADS, QUICK_PAYLOADS)
    over_mqtt = options.number("OVER_MQTT", OVER_MQTT, QUICK_OVER_MQTT)
    began = time.monotonic()
    hostile = Hostile(options.seed)
    with running(Plan.of(options)) as rig:
        pids = [rig.supervisor.pid(name) for name in CONSUMERS]
        sent = publish_hostile(rig, hostile, over_mqtt)
        verdict = rig.finish()
        fates = append_hostile(rig, hostile, lines)
        now = [rig.supervisor.pid(name) for name in CONSUMERS]
        rig.expect(now == pids, f"other processes than before: {pids}, {now}")
        figures = rig.figures(verdict, began)
        try:
            consumed = feed_consumer(hostile, payloads)
        except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
            consumed = {}
            _log.exception("the consumer")
            rig.problems.append(f"a payload ends the consumer: {error!r}")
        right = consumed.get("delivered") == _ROWS_OF_CONSUMER
        rig.expect(right, f"readings beside hostile payloads: {consumed}")
    return [
        figures
        | {
            "trials": lines + payloads + sent,
            "lines": lines,
            "fates": fates,
            "payloads_over_mqtt": sent,
            "payloads_in_process": payloads,
            "consumer": consumed,
        }
    ]


def publish_hostile(rig: Rig, hostile: Hostile, count: int) -> int:
    """Publish hostile payloads as the bridge's own user, some retained; how many."""
    broker = Broker("127.0.0.1", rig.broker_port, *rig.credentials)
    rogue = Connection(broker, "rogue", subscriptions=(READINGS,))
    known: deque[bytes] = deque(maxlen=_KNOWN)
    sent = outstanding = session = 0
    deadline = time.monotonic() + 60 + count / 50
    try:
        while sent < count or outstanding:
            if time.monotonic() > deadline:
                message = f"the rogue has sent {sent} of {count} payloads"
                raise NotWithinError(message)
            rogue.wait(0.02)
            outstanding -= len(rogue.outcomes())
            if rogue.session != session:
                session, outstanding = rogue.session, 0
            heard = [m.payload for m in rogue.messages() if m.payload.startswith(b'{"v":1,')]
            known.extend(payload for payload in heard if _is_real(payload))
            while known and sent < count and outstanding < _IN_FLIGHT:
                payload = hostile.payload(known[0])
                if claims_unread(payload, known[0], already_read=True):
                    continue
                retained = hostile.chance(0.01)
                if rogue.publish(Message(READINGS, payload, retained=retained)) is None:
                    break
                sent += 1
                outstanding += 1
    finally:
        rogue.close()
    return sent


def _is_real(payload: bytes) -> bool:
    try:
        return len(decode_readings(payload)) == 1
    except ValueError:  # whatever the reason: it is none
        return False


def claims_unread(payload: bytes, good: bytes, *, already_read: bool) -> bool:
    """Whether a payload names a place of the good one's segment that has not been read."""
    try:
        claimed = decode_readings(payload)
    except ValueError:  # whatever the reason: it is none
        return False
    real = decode_readings(good)[0][0]
    read_to = real.end if already_read else real.offset
    return any(item.segment == real.segment and item.end > read_to for item, _ in claimed)


def append_hostile(rig: Rig, hostile: Hostile, count: int) -> dict[str, int]:
    """Append hostile lines, and account for each of them by the bridge's counters."""
    rows = hostile.lines(count)
    with rig.home.readings_csv.open("ab") as log:
        while chunk := list(islice(rows, _CHUNK_LINES)):
            log.write(b"".join(row + b"\n" for row in chunk))
            log.flush()
    seconds = 60 + count / _LINES_A_SECOND
    rig.until(rig.positions.at_end, "all hostile lines dealt with", seconds)
    written = sum(map(_line_ends, _blocks(rig.home.readings_csv)))

    def told() -> dict[str, int]:
        rig.gauges.look()
        fates = rig.gauges.total("bridge", "citywx_bridge_lines_total")
        return {fate: int(number) for fate, number in fates.items()}

    rig.until(lambda: sum(told().values()) == written, f"a fate of each of {written} lines", 10)
    return told() | {"lines": written}


def feed_consumer(hostile: Hostile, count: int) -> dict[str, int]:
    """Hostile payloads between the real messages of a log: the readings still come once, in order.

    In this process, since so many would take long through a broker.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log" / "readings.csv"
        append(log, *map(line, range(_ROWS_OF_CONSUMER)))
        messages = messages_of(log)
        consumer = LogConsumer(LogFiles(log, EARLIEST), None)
        log.unlink()
        append(log, line(0))
        delivered: list[int] = []
        share = -(-count // _ROWS_OF_CONSUMER)
        left = count
        for number, real in enumerate(messages):
            if number:
                append(log, line(number))
            some = min(share, left)
            made = [hostile.payload(real.payload) for _ in range(some)]
            before, after = (
                [
                    Message(READINGS, payload)
                    for payload in half
                    if not claims_unread(payload, real.payload, already_read=already_read)
                ]
                for half, already_read in ((made[: some // 2], False), (made[some // 2 :], True))
            )
            left -= some
            for given in ([*before, real, *after], ()):
                items = consumer.take(given, float(number))
                while consumer.behind:
                    items += consumer.take((), float(number))
                delivered += [_minute(item.reading.timestamp) for item in items]
        in_order = delivered == list(range(_ROWS_OF_CONSUMER))
        consumer.close()
        return {
            "rows": _ROWS_OF_CONSUMER,
            "delivered": len(delivered) if in_order else -1,
            "unreadable": consumer.counts.unreadable,
            "gaps": consumer.counts.gaps,
            "duplicates": consumer.counts.duplicates,
        }


def _minute(moment: object) -> int:
    return int((moment - START).total_seconds() // 60)  # type: ignore[operator]  # a datetime


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _line_ends(block: bytes) -> int:
    return block.count(b"\n")
