"""The process that writes the log: `python -m tests.faults.producer LEDGER LOG ROWS_A_SECOND KIND`.

It keeps its pace whatever happens to the others, and ends on SIGTERM. KIND `raw` writes with one
plain write a tick, as any foreign program would; `appender` as the poller does, and waits for room
where the disk is full.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from citywx.staging.appender import Appender
from citywx.weather.reading import COLUMNS, Reading, to_csv_line
from tests.faults.ledger import Ledger, count_rows
from tests.faults.rows import digest, reading

TICK_SECONDS = 0.02
_MAX_BATCH = 1_000
_HEADER = (",".join(COLUMNS) + "\n").encode()

Write = Callable[[Sequence[Reading]], None]


def main(ledger_path: Path, log: Path, rate: float, kind: str) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    write = raw_writer(log) if kind == "raw" else patient_appender(log)
    ledger = Ledger(ledger_path)
    first = written = count_rows(ledger_path)
    began = time.monotonic()
    while not stopping.wait(TICK_SECONDS):
        due = first + int((time.monotonic() - began) * rate)
        while written < due:
            numbers = range(written, min(due, written + _MAX_BATCH))
            rows = [reading(number) for number in numbers]
            ledger.note([(n, digest(row)) for n, row in zip(numbers, rows, strict=True)])
            write(rows)
            written = numbers.stop


def raw_writer(log: Path) -> Write:
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    if os.fstat(descriptor).st_size == 0:
        os.write(descriptor, _HEADER)

    def write(rows: Sequence[Reading]) -> None:
        now = datetime.now(UTC)
        os.write(descriptor, b"".join(to_csv_line(row._replace(fetched_at=now)) for row in rows))

    return write


def patient_appender(log: Path) -> Write:
    """Appends the whole batch again when the disk was full: rows that come twice are the same."""
    appender = Appender(log, rotate_bytes=1 << 40)

    def write(rows: Sequence[Reading]) -> None:
        while True:
            try:
                appender.append(rows)
            except OSError:
                time.sleep(0.1)
            else:
                return

    return write


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
