"""What a reading is: CSV line ⇄ Reading ⇄ JSON payload, and why a line is rejected.

Only the grammar of one record belongs here. Plausibility (is −80 °C believable?) belongs in
`citywx.weather.quality`; files and offsets in `citywx.staging`. Standard library only.
"""

import csv
import json
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MEASURES = ("temperature_c", "humidity", "pressure", "wind_speed")
"""The numeric fields: °C, %, hPa at sea level, m/s."""

CONTRACT_COLUMNS = ("timestamp", "city", *MEASURES, "weather")
"""The seven columns that every staging file has; a file without a header has them in this order."""

COLUMNS = (*CONTRACT_COLUMNS, "source", "fetched_at")
"""The columns that citywx itself writes."""

DEFAULT_SOURCE = "csv"
PAYLOAD_VERSION = 1
MAX_TEXT_LENGTH = 200
FUTURE_TOLERANCE = timedelta(minutes=5)

_MISSING = frozenset({"", "nan", "n/a", "null"})
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII
)


class UnreadableError(ValueError):
    """A record does not follow the contract; the message is the reason, for people."""


@dataclass(frozen=True, slots=True)
class Reading:
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
    record = dict(zip(layout.names(fields), fields, strict=True))
    return parse_record(record, earliest=earliest, latest=latest)


def parse_record(record: dict[str, str], *, earliest: datetime, latest: datetime) -> Reading:
    """Turn a record of strings by column name into a Reading; see `parse_line`."""
    timestamp = parse_timestamp(record["timestamp"])
    if timestamp < earliest:
        message = f"timestamp {record['timestamp'].strip()} is before {earliest:%Y-%m-%d}"
        raise UnreadableError(message)
    if timestamp > latest:
        message = f"timestamp {record['timestamp'].strip()} is in the future"
        raise UnreadableError(message)
    fetched_at = record.get("fetched_at", "").strip()
    return Reading(
        timestamp=timestamp,
        city=_parse_city(record["city"]),
        temperature_c=_parse_number("temperature_c", record.get("temperature_c", "")),
        humidity=_parse_number("humidity", record.get("humidity", "")),
        pressure=_parse_number("pressure", record.get("pressure", "")),
        wind_speed=_parse_number("wind_speed", record.get("wind_speed", "")),
        weather=_parse_text("weather", record.get("weather", "")),
        source=_parse_text("source", record.get("source", "")) or DEFAULT_SOURCE,
        fetched_at=parse_timestamp(fetched_at) if fetched_at else None,
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


def to_payload(reading: Reading) -> dict[str, object]:
    """The reading's fields for a JSON message: numbers as numbers, absent as null."""
    return {
        "v": PAYLOAD_VERSION,
        "timestamp": format_timestamp(reading.timestamp),
        "city": reading.city,
        "temperature_c": reading.temperature_c,
        "humidity": reading.humidity,
        "pressure": reading.pressure,
        "wind_speed": reading.wind_speed,
        "weather": reading.weather,
        "source": reading.source,
        "fetched_at": format_timestamp(reading.fetched_at) if reading.fetched_at else None,
    }


def from_payload(payload: dict[str, object]) -> Reading:
    """Read back what `to_payload` made; UnreadableError for anything else."""
    if payload.get("v") != PAYLOAD_VERSION:
        message = f"payload version {payload.get('v')!r} is not {PAYLOAD_VERSION}"
        raise UnreadableError(message)
    try:
        fetched_at = payload["fetched_at"]
        return Reading(
            timestamp=parse_timestamp(_string(payload["timestamp"])),
            city=_parse_city(_string(payload["city"])),
            temperature_c=_payload_number(payload, "temperature_c"),
            humidity=_payload_number(payload, "humidity"),
            pressure=_payload_number(payload, "pressure"),
            wind_speed=_payload_number(payload, "wind_speed"),
            weather=None if payload["weather"] is None else _string(payload["weather"]),
            source=_string(payload["source"]),
            fetched_at=None if fetched_at is None else parse_timestamp(_string(fetched_at)),
        )
    except KeyError as error:
        message = f"payload lacks {error.args[0]!r}"
        raise UnreadableError(message) from None


def encode_payload(payload: dict[str, object]) -> bytes:
    """Compact UTF-8 JSON, with no NaN in it."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _parse_city(text: str) -> str:
    city = _parse_text("city", text)
    if city is None:
        message = "city is empty"
        raise UnreadableError(message)
    return city


def _parse_text(name: str, text: str) -> str | None:
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


def _parse_number(name: str, text: str) -> float | None:
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


def _payload_number(payload: dict[str, object], name: str) -> float | None:
    value = payload[name]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        message = f"{name} {value!r} is not a number"
        raise UnreadableError(message)
    return float(value)


def _string(value: object) -> str:
    if not isinstance(value, str):
        message = f"{value!r} is not a string"
        raise UnreadableError(message)
    return value


def _csv_number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def _csv_text(text: str) -> str:
    text = " ".join(text.split())
    if "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text
