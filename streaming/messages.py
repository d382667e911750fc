"""Topics, and what stands in the messages on them: reading ⇄ MQTT payload."""

import base64
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote

import msgspec
from msgspec import Meta

from citywx.staging.lines import Rejected
from citywx.staging.position import Position
from citywx.weather.reading import MAX_TEXT_LENGTH, Reading, UnreadableError, parse_text

READINGS = "weather/readings"
READINGS_BATCH = "weather/readings/batch"
REJECTED = "weather/rejected"
ALERTS = "weather/alerts"
NOTICES = "weather/notices"
REPLAY_REQUEST = "weather/replay/request"
REPLAY_RESPONSES = "weather/replay/response/"

MAX_BATCH_BYTES = 48 * 1024
PAYLOAD_VERSION: Literal[1] = 1
_KEPT_BYTES = 4 * 1024
_SEGMENT = re.compile(r"\d{1,12}-[0-9a-f]{1,64}", re.ASCII)


def status_topic(process: str) -> str:
    """The retained topic on which a process says where it is."""
    return f"weather/status/{process}"


def replay_response_topic(client_id: str) -> str:
    """Where the bridge answers a consumer that asked for a range of the log."""
    return f"{REPLAY_RESPONSES}{client_id}"


def alert_state_topic(rule_id: str, city: str) -> str:
    """The retained topic of a rule's present state in a city; any city is one topic level.

    >>> alert_state_topic("heat", "Mo i Rana/+")
    'weather/alerts/state/heat/Mo%20i%20Rana%2F%2B'
    """
    return f"weather/alerts/state/{quote(rule_id, safe='')}/{quote(city, safe='')}"


class LogReading(NamedTuple):
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


_Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH)]
_Moment = Annotated[datetime, Meta(tz=True)]
_Place = Annotated[int, Meta(ge=0, lt=1 << 53)]


class _Payload(msgspec.Struct, gc=False):
    """The JSON object of a reading."""

    v: Literal[1]
    timestamp: _Moment
    city: _Text
    temperature_c: float | None
    humidity: float | None
    pressure: float | None
    wind_speed: float | None
    weather: _Text | None
    source: _Text
    fetched_at: _Moment | None
    segment: str
    offset: _Place
    end: _Place
    prev_end: _Place
    read_at: _Moment | msgspec.UnsetType = msgspec.UNSET


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Payload)


def encode_body(body: object) -> bytes:
    """Compact UTF-8 JSON."""
    return _encoder.encode(body)


def encode_reading(item: LogReading, prev_end: int) -> bytes:
    """The payload on `weather/readings`."""
    return _encoder.encode(_payload(item, prev_end))


def decode_readings(payload: bytes) -> list[tuple[LogReading, int]]:
    """Read a payload of `weather/readings` or `…/batch`; UnreadableError says why it is none.

    Beside each reading its `prev_end`: the end of the last published line before it in its
    segment, 0 for a segment's first.
    """
    try:
        items = [(_item(body), body.prev_end) for body in _decoder.decode_lines(payload)]
    except (ValueError, OverflowError, RecursionError) as error:  # msgspec's are ValueErrors
        message = f"payload is no reading: {error}"
        raise UnreadableError(message) from None
    if not items:
        message = "payload is empty"
        raise UnreadableError(message)
    return items


def _payload(item: LogReading, prev_end: int) -> _Payload:
    reading, segment, offset, end, read_at = item
    return _Payload(
        PAYLOAD_VERSION, *reading, segment, offset, end, prev_end, read_at or msgspec.UNSET
    )


def _item(body: _Payload) -> LogReading:
    segment, offset, end, fetched_at = body.segment, body.offset, body.end, body.fetched_at
    if not (body.prev_end <= offset < end and _is_segment(segment)):
        message = "payload has no valid place in the log"
        raise UnreadableError(message)
    city, weather, source = _texts(body.city, body.weather, body.source)
    reading = Reading(
        _utc(body.timestamp),
        city,
        body.temperature_c,
        body.humidity,
        body.pressure,
        body.wind_speed,
        weather,
        source,
        fetched_at and _utc(fetched_at),
    )
    return LogReading(reading, segment, offset, end, body.read_at or None)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


@lru_cache(64)
def _is_segment(text: str) -> bool:
    return _SEGMENT.fullmatch(text) is not None


@lru_cache(4096)
def _texts(city: str, weather: str | None, source: str) -> tuple[str, str | None, str]:
    named = parse_text("city", city), parse_text("source", source)
    if named[0] is None or named[1] is None:
        message = "payload lacks a city or a source"
        raise UnreadableError(message)
    return named[0], weather and parse_text("weather", weather), named[1]


def encode_rejected(rejected: Rejected) -> bytes:
    """The payload on `weather/rejected`: where, why, and the line's first 4 KiB in base64."""
    line = rejected.line
    return encode_body(
        {
            "v": PAYLOAD_VERSION,
            "segment": line.segment,
            "offset": line.offset,
            "end": line.end,
            "reason": rejected.reason,
            "raw_base64": base64.b64encode(line.data[:_KEPT_BYTES]).decode(),
        }
    )
