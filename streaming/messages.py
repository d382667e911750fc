"""Topics, and what stands in the messages on them: reading ⇄ MQTT payload."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from citywx.staging.lines import Line, Rejected
from citywx.staging.position import Position
from citywx.weather.reading import (
    Reading,
    UnreadableError,
    encode_payload,
    format_timestamp,
    from_payload,
    parse_timestamp,
    to_payload,
)

READINGS = "weather/readings"
REJECTED = "weather/rejected"
ALERTS = "weather/alerts"


def status_topic(process: str) -> str:
    """The retained topic on which a process says where it is."""
    return f"weather/status/{process}"


def alert_state_topic(rule_id: str, city: str) -> str:
    """The retained topic of a rule's present state in a city; any city is one topic level.

    >>> alert_state_topic("heat", "Mo i Rana/+")
    'weather/alerts/state/heat/Mo%20i%20Rana%2F%2B'
    """
    return f"weather/alerts/state/{quote(rule_id, safe='')}/{quote(city, safe='')}"


@dataclass(frozen=True, slots=True)
class LogReading:
    """A reading, and the line of the log that it stands on."""

    reading: Reading
    segment: str
    offset: int
    end: int
    read_at: datetime | None = None
    """When its line was read, where the line does not say when it was written."""

    @property
    def next_position(self) -> Position:
        """Where the next line starts."""
        return Position(self.segment, self.end)


@dataclass(frozen=True, slots=True)
class ReadingMessage:
    """What `weather/readings` carries."""

    item: LogReading
    prev_end: int
    """End of the last published line before it in its segment; 0 for a segment's first."""


def encode_reading(item: LogReading, prev_end: int) -> bytes:
    """The payload on `weather/readings`."""
    payload = to_payload(item.reading)
    payload["segment"] = item.segment
    payload["offset"] = item.offset
    payload["end"] = item.end
    payload["prev_end"] = prev_end
    if item.read_at is not None:
        payload["read_at"] = format_timestamp(item.read_at)
    return encode_payload(payload)


def decode_reading(payload: bytes) -> ReadingMessage:
    """Read a payload of `weather/readings`; UnreadableError says why it is none."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        message = "payload is not JSON"
        raise UnreadableError(message) from None
    if not isinstance(body, dict):
        message = "payload is not a JSON object"
        raise UnreadableError(message)
    offset, end, prev_end = (body.get(name) for name in ("offset", "end", "prev_end"))
    segment, read_at = body.get("segment"), body.get("read_at")
    if (
        not isinstance(segment, str)
        or not segment.partition("-")[0].isdecimal()
        or not (type(offset) is type(end) is type(prev_end) is int)
        or not 0 <= prev_end <= offset < end
    ):
        message = "payload has no valid place in the log"
        raise UnreadableError(message)
    moment = parse_timestamp(read_at) if isinstance(read_at, str) else None
    return ReadingMessage(LogReading(from_payload(body), segment, offset, end, moment), prev_end)


def encode_rejected(rejected: Rejected) -> bytes:
    """The payload on `weather/rejected`: where, why, and the line's first 4 KiB in base64."""
    line = rejected.line
    return encode_payload(
        {
            "v": 1,
            "segment": line.segment,
            "offset": line.offset,
            "end": line.end,
            "reason": rejected.reason,
            "raw_base64": base64.b64encode(_kept(line)).decode(),
        }
    )


def _kept(line: Line) -> bytes:
    return line.data[: 4 * 1024]
