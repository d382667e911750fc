"""A process that appends rows evenly in time, each with one write, stamped just before.

    python -m benchmarks.writer FILE FIRST COUNT ROWS_PER_SECOND

Rows are above and below 23 °C by turns, so that each sets off an alert event. A row's number is
its observation time: `number_of` gives it back.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_FIRST = datetime(2012, 1, 1, tzinfo=UTC)
_STEP = timedelta(hours=1)
"""So far apart that quality control believes the steps between rows."""


def number_of(timestamp: str) -> int:
    """The number of the row that has this observation time.

    >>> number_of("2012-01-03T12:00:00Z")
    60
    """
    return (datetime.fromisoformat(timestamp) - _FIRST) // _STEP


def write(path: Path, first: int, count: int, rows_per_second: float) -> None:
    """Append so many rows; sleeps until each is due, and catches up when it woke late."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    rows = [_beginning(number) for number in range(first, first + count)]
    begin = time.monotonic()
    for number, row in enumerate(rows):
        pause = begin + number / rows_per_second - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        os.write(descriptor, f"{row},{now}Z\n".encode())
    os.close(descriptor)


def _beginning(number: int) -> str:
    moment = _FIRST + number * _STEP
    temperature = 20.0 if number % 2 else 25.0
    return f"{moment:%Y-%m-%dT%H:%M:%SZ},Oslo,{temperature},50.0,1013.0,3.0,few clouds,bench"


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
