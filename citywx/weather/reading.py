"""What a reading is: CSV line ⇄ Reading, and why a line is rejected.

Only the grammar of one record belongs here. Plausibility (is −80 °C believable?) belongs in
`citywx.weather.quality`; files and offsets in `citywx.staging`; MQTT payloads in
`streaming.messages`. Standard library only.

Readings repeat themselves: cities, words, whole-degree values, one moment for many cities. So the
parsers of single fields remember what they have parsed, which makes a line several times cheaper
than parsing it anew and needs no second, faster grammar that could disagree with this one.
"""

import csv
import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

MEASURES = ("temperature_c", "humidity", "pressure", "wind_speed")
"""The numeric fields: °C, %, hPa at sea level, m/s."""

CONTRACT_COLUMNS = ("timestamp", "city", *MEASURES, "weather")
"""The seven columns that every staging file has; a file without a header has them in this order."""

COLUMNS = (*CONTRACT_COLUMNS, "source", "fetched_at")
"""The columns that citywx itself writes."""

DEFAULT_SOURCE = "csv"
ARCHIVE_SOURCE = "open-meteo-archive"
"""The source of readings that are history from the start: nobody is alerted about them."""
MAX_TEXT_LENGTH = 200
FUTURE_TOLERANCE = timedelta(minutes=5)

_REMEMBERED = 16_384
"""Field texts that each parser remembers."""
_REMEMBERED_LINE_BYTES = 512
"""Fields of longer lines are not remembered, so that hostile ones cannot fill the memory."""

_MISSING = frozenset({"", "nan", "n/a", "null"})
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII
)


class UnreadableError(ValueError):
    """A record does not follow the contract; the message is the reason, for people."""


class Reading(NamedTuple):
    """One observation of one city's weather by one source."""

    timestamp: datetime
    """When it was observed (not fetched), aware UTC."""
    city: str
    temperature_c: float | None = None
    humidity: float | None = None
    pressure: float | None = None
    wind_speed: float | None = None
    weather: str | None = None
    source: str = DEFAULT_SOURCE
    fetched_at: datetime | None = None
    """When the line was written, aware UTC with microseconds; latencies count from it."""

    @property
    def identity(self) -> tuple[str, str, datetime]:
        """What makes two lines the same raw reading: `(source, city, timestamp)`."""
        return (self.source, self.city, self.timestamp)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column stands where in the lines of one segment."""

    columns: tuple[str, ...] | None = None
    """Names in file order; None where the file has no header line."""

    def __post_init__(self) -> None:
        """Hold the usual columns by identity, which is quicker to compare."""
        if self.columns == COLUMNS:
            object.__setattr__(self, "columns", COLUMNS)

    def names(self, fields: Sequence[str]) -> tuple[str, ...]:
        """The column names of one split record, or UnreadableError where the count is wrong."""
        if self.columns is not None:
            if len(fields) != len(self.columns):
                message = f"expected {len(self.columns)} fields, got {len(fields)}"
                raise UnreadableError(message)
            return self.columns
        if len(fields) == len(CONTRACT_COLUMNS):
            return CONTRACT_COLUMNS
        if len(fields) == len(COLUMNS):
            return COLUMNS
        message = f"expected {len(CONTRACT_COLUMNS)} or {len(COLUMNS)} fields, got {len(fields)}"
        raise UnreadableError(message)


def header_layout(line: bytes) -> Layout | None:
    """Return the layout that a header line declares, or None when the line is no header.

    A header names at least `timestamp` and `city`; other contract columns that it lacks are
    read as not reported, and columns that nobody knows are ignored.

    >>> header_layout(b"city,timestamp,humidity").columns
    ('city', 'timestamp', 'humidity')
    >>> header_layout(b"2026-03-01T00:00:00Z,Oslo,1,2,3,4,snow") is None
    True
    """
    if b"timestamp" not in line.lower():
        return None
    try:
        names = tuple(name.strip().lower() for name in split_line(line))
    except UnreadableError:
        return None
    if "timestamp" not in names or "city" not in names or len(set(names)) != len(names):
        return None
    return Layout(names)


def split_line(line: bytes) -> list[str]:
    """Split one physical line (without its line end) into its fields.

    Raises UnreadableError for bytes that are not UTF-8, for NUL, and for quotes that do not close
    on the line: a newline inside a field is not part of the contract.
    """
    if b"\x00" in line:
        message = "contains NUL bytes"
        raise UnreadableError(message)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8 at byte {error.start}"
        raise UnreadableError(message) from None
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        message = f"malformed quoting: {error}"
        raise UnreadableError(message) from None


def parse_line(line: bytes, layout: Layout, *, earliest: datetime, latest: datetime) -> Reading:
    """Turn one physical line (without its line end) into a Reading.

    `earliest` and `latest` bound the observation time (aware UTC). Raises UnreadableError with the
    reason when the line breaks the contract.
    """
    fields = split_line(line)
    names = layout.names(fields)
    if names is not COLUMNS:
        by_name = dict(zip(names, fields, strict=True))
        fields = [by_name.get(name, "") for name in COLUMNS]
    parsers = _REMEMBERING if len(line) <= _REMEMBERED_LINE_BYTES else _PLAIN
    return _read(fields, parsers, earliest, latest)


def parse_record(record: dict[str, str], *, earliest: datetime, latest: datetime) -> Reading:
    """Turn a record of strings by column name into a Reading; see `parse_line`."""
    return _read([record.get(name, "") for name in COLUMNS], _PLAIN, earliest, latest)


def _read(
    fields: Sequence[str], parsers: "_Parsers", earliest: datetime, latest: datetime
) -> Reading:
    """Read the fields in the order of `COLUMNS`."""
    moment, number, text = parsers
    timestamp = moment(fields[0])
    if not earliest <= timestamp <= latest:
        when = "in the future" if timestamp > latest else f"before {earliest:%Y-%m-%d}"
        message = f"timestamp {fields[0].strip()} is {when}"
        raise UnreadableError(message)
    city = text("city", fields[1])
    if city is None:
        message = "city is empty"
        raise UnreadableError(message)
    return Reading(
        timestamp,
        city,
        number("temperature_c", fields[2]),
        number("humidity", fields[3]),
        number("pressure", fields[4]),
        number("wind_speed", fields[5]),
        text("weather", fields[6]),
        text("source", fields[7]) or DEFAULT_SOURCE,
        moment(fields[8]) if fields[8] and not fields[8].isspace() else None,
    )


def parse_timestamp(text: str) -> datetime:
    """Parse an ISO 8601 time into aware UTC; without an offset it is UTC.

    >>> parse_timestamp("2026-03-01T01:02:00+01:00").isoformat()
    '2026-03-01T00:02:00+00:00'
    """
    text = text.strip()
    if not _TIMESTAMP.fullmatch(text):
        message = f"timestamp {text[:40]!r} is not ISO 8601 (like 2026-03-01T00:00:00Z)"
        raise UnreadableError(message)
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        message = f"timestamp {text!r} does not exist: {error}"
        raise UnreadableError(message) from None


def format_timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with `Z`, as the log and the payloads hold it.

    >>> format_timestamp(datetime(2026, 3, 1, tzinfo=UTC))
    '2026-03-01T00:00:00Z'
    """
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def to_csv_line(reading: Reading) -> bytes:
    """Format the line, with its line end, that citywx appends to the log (columns as in `COLUMNS`).

    Line ends inside text become spaces: a record is one physical line.
    """
    values = [
        format_timestamp(reading.timestamp),
        _csv_text(reading.city),
        *(_csv_number(getattr(reading, name)) for name in MEASURES),
        _csv_text(reading.weather or ""),
        _csv_text(reading.source),
        format_timestamp(reading.fetched_at) if reading.fetched_at else "",
    ]
    return (",".join(values) + "\n").encode()


def parse_text(name: str, text: str) -> str | None:
    """A text field in Unicode's composed form, or None where it is empty."""
    text = unicodedata.normalize("NFC", text.strip())
    if not text:
        return None
    if len(text) > MAX_TEXT_LENGTH:
        message = f"{name} is longer than {MAX_TEXT_LENGTH} characters"
        raise UnreadableError(message)
    if not text.isprintable():
        message = f"{name} holds control characters"
        raise UnreadableError(message)
    return text


def parse_number(name: str, text: str) -> float | None:
    """A measure, or None where it was not reported."""
    text = text.strip()
    if text.lower() in _MISSING:
        return None
    if not _NUMBER.fullmatch(text):
        message = f"{name} {text[:40]!r} is not a number"
        raise UnreadableError(message)
    number = float(text)
    if not math.isfinite(number):
        message = f"{name} {text[:40]!r} is out of range"
        raise UnreadableError(message)
    return number


def _csv_number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def _csv_text(text: str) -> str:
    text = " ".join(text.split())
    if "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text


class _Parsers(NamedTuple):
    """How the fields of a line are read."""

    moment: Callable[[str], datetime]
    number: Callable[[str, str], float | None]
    text: Callable[[str, str], str | None]


_PLAIN = _Parsers(parse_timestamp, parse_number, parse_text)
_REMEMBERING = _Parsers(
    lru_cache(_REMEMBERED)(parse_timestamp),
    lru_cache(_REMEMBERED)(parse_number),
    lru_cache(_REMEMBERED)(parse_text),
)
