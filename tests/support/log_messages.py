"""A log on disk, and the messages that a bridge would publish from it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from citywx.staging.lines import read_record
from citywx.staging.tail import Tail
from citywx.weather.reading import COLUMNS, Reading, to_csv_line
from streaming.broker import Message
from streaming.messages import READINGS, LogReading, encode_reading

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 1, tzinfo=UTC)
HEADER = (",".join(COLUMNS) + "\n").encode()


def line(number: int, value: float = 20.0, city: str = "Oslo") -> bytes:
    """The CSV line of reading `number`, observed `number` minutes after START."""
    moment = START + timedelta(minutes=number)
    return to_csv_line(Reading(moment, city, temperature_c=value, fetched_at=moment))


def append(path: Path, *lines: bytes) -> None:
    """Append lines, and a header to a new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if file.tell() == 0:
            file.write(HEADER)
        file.writelines(lines)


def messages_of(path: Path) -> list[Message]:
    """What a bridge publishes from the whole log."""
    tail = Tail(path)
    found = []
    prev_end, segment = 0, ""
    while lines := tail.read():
        for one in lines:
            reading = read_record(one, earliest=EARLIEST, latest=datetime.now(UTC))
            if not isinstance(reading, Reading):
                continue
            prev_end = prev_end if one.segment == segment else 0
            item = LogReading(reading, one.segment, one.offset, one.end)
            found.append(Message(READINGS, encode_reading(item, prev_end)))
            prev_end, segment = one.end, one.segment
    tail.close()
    return found
