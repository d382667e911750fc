"""Many rows at once, made fast: lines of one width, filled in column by column.

Fifty cities report once a minute, none of them above 23 °C. The last row of a burst is of a city of
its own and above it: the alert that it sets off says when the alerter was through.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

CITIES = 50
LAST_CITY = "City 99"
SOURCE = b"burst"
"""What a row of a burst that arrives whole holds, and a torn one does not."""
BURST_CITIES = "City %"
"""What their names are like, in SQL."""
_FIRST = np.datetime64("2010-01-01T00:00:00", "s")
_STAMP_WIDTH, _CITY_WIDTH = 20, 7
_REST = ",12.5,50.0,1013.0,3.0,few clouds,burst,"
_BLOCK = 500_000


def rows(first: int, count: int) -> bytes:
    """So many lines of the log, the first of this number.

    >>> rows(50, 1).decode()[:32]
    '2010-01-01T00:01:00Z,City 00,12.'
    """
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    template = f"{'':{_STAMP_WIDTH}},City 00{_REST}{now}Z\n".encode()
    lines = np.tile(np.frombuffer(template, np.uint8), (count, 1))
    numbers = np.arange(first, first + count)
    moments = _FIRST + (numbers // CITIES * 60).astype("timedelta64[s]")
    stamps = np.char.add(np.datetime_as_string(moments), "Z").astype(f"S{_STAMP_WIDTH}")
    lines[:, :_STAMP_WIDTH] = stamps.view(np.uint8).reshape(count, _STAMP_WIDTH)
    digits = _STAMP_WIDTH + 1 + len("City ")
    lines[:, digits] = ord("0") + numbers % CITIES // 10
    lines[:, digits + 1] = ord("0") + numbers % CITIES % 10
    return lines.tobytes()


def burst(count: int) -> bytes:
    """So many lines, the last of which sets off an alert in `LAST_CITY`."""
    body = rows(0, count)
    start = body.rindex(b"\n", 0, -1) + 1
    last = bytearray(body[start:])
    city = slice(_STAMP_WIDTH + 1, _STAMP_WIDTH + 1 + _CITY_WIDTH)
    last[city] = LAST_CITY.encode()
    return body[:start] + last.replace(b",12.5,", b",27.5,")


def fill(path: Path, count: int) -> None:
    """Append so many rows in blocks."""
    with path.open("ab") as file:
        for first in range(0, count, _BLOCK):
            file.write(rows(first, min(_BLOCK, count - first)))
