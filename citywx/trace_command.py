"""`citywx trace`: from a figure of the quality report to the raw lines behind it."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from citywx.staging.lines import KEPT_BYTES
from citywx.staging.position import Position
from citywx.staging.segments import SegmentFile, identify, list_segments, open_regular
from citywx.text_output import described, printable
from citywx.warehouse.trace import Asked, RawLine, Traced
from citywx.weather.quality.flags import QcFlag
from citywx.weather.reading import format_timestamp

VERDICTS = {1: "pass", 2: "not evaluated", 3: "suspect", 4: "fail", 9: "missing"}
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


class UnknownFlagError(ValueError):
    """No quality flag has this name."""


def asked_for(city: str | None, day: date | None, flag: str | None, most: int) -> Asked:
    """What the command line asks for; UnknownFlagError."""
    if flag is not None and flag not in QcFlag.__members__:
        message = f"no flag is named {flag}; there are {', '.join(QcFlag.__members__)}"
        raise UnknownFlagError(message)
    if day is None:
        return Asked(_EARLIEST, _LATEST, city, flag, most)
    start = datetime.combine(day, time(), UTC)
    return Asked(start, start + timedelta(days=1), city, flag, most)


def lines_about(traced: Traced, readings_csv: Path) -> Iterator[str]:
    """A reading for people: what it says, what is doubted and why, and the raw lines."""
    values = _described(traced.values, traced.weather)
    verdict = VERDICTS.get(traced.verdict, str(traced.verdict))
    moment = format_timestamp(traced.timestamp)
    yield f"{traced.city}, {moment}: {values} (from {traced.source}) – {verdict}"
    for flag in traced.flags:
        yield f"  {flag}: {QcFlag[flag].value if flag in QcFlag.__members__ else flag}"
    if traced.imputed:
        yield f"  filled in, {traced.imputation}: {', '.join(traced.imputed)}"
    for raw in traced.raw:
        yield f"  line {raw.segment}@{raw.offset} of {raw.source}: {_line(raw, readings_csv)}"
    if not traced.raw:
        yield "  its raw readings are no longer kept"


def as_json(traced: Traced) -> dict[str, object]:
    """A reading for machines; times as in the log."""
    return {**asdict(traced), "timestamp": format_timestamp(traced.timestamp)}


def _described(values: dict[str, float | None], weather: str | None) -> str:
    return ", ".join(filter(None, (described(values), weather))) or "nothing reported"


def _line(raw: RawLine, readings_csv: Path) -> str:
    """The line itself while its segment is kept, else the values that were loaded of it."""
    sequence = Position(raw.segment, raw.offset).sequence
    for file in list_segments(readings_csv):
        line = _read_line(file, raw) if file.sequence == sequence else None
        if line is not None:
            return printable(line)
    return _described(raw.values, raw.weather) + " (its segment is deleted)"


def _read_line(file: SegmentFile, raw: RawLine) -> bytes | None:
    """The start of the line; None where the file is gone, or another segment in its place."""
    descriptor = open_regular(file.path)
    if descriptor is None:
        return None
    try:
        if identify(descriptor, file.sequence) != raw.segment:
            return None
        line, _, _ = os.pread(descriptor, KEPT_BYTES, raw.offset).partition(b"\n")
        return line.removesuffix(b"\r")
    finally:
        os.close(descriptor)
