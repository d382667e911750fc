"""A usual line of the log → its reading as JSON, without the objects between.

There is one grammar: each field is read by the parsers of `citywx.weather.reading`, once for each
text that it takes, and what is remembered is the JSON of what they found. A line that is unusual in
any way is none of this module's business: it is left to `citywx.staging.lines.read_record` and
`streaming.messages.encode_reading`, whose payload this one's equals byte by byte.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from citywx.staging.lines import Line, LineKind
from citywx.weather.reading import (
    COLUMNS,
    DEFAULT_SOURCE,
    MEASURES,
    UnreadableError,
    parse_number,
    parse_text,
    parse_timestamp,
)

_REMEMBERED = 16_384
"""Texts of each field whose JSON is remembered."""
_LONGEST_USUAL_LINE = 512  # bytes, so that hostile lines cannot fill the memory
_Found = TypeVar("_Found")


class _Remembered(dict[str, _Found]):
    """A field's texts, and what was found for each."""

    def __init__(self, find: Callable[[str], _Found]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, text: str) -> _Found:
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[text] = self._find(text)
        return found


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _moment(text: str) -> tuple[datetime, str]:
    moment = parse_timestamp(text)
    return moment, _json(moment)


def _city(text: str) -> str:
    city = parse_text("city", text)
    if city is None:
        message = "city is empty"
        raise UnreadableError(message)
    return _json(city)


def _measure(name: str) -> _Remembered[str]:
    return _Remembered(lambda text: _json(parse_number(name, text)))


_moments, _cities = _Remembered(_moment), _Remembered(_city)
_temperatures, _humidities, _pressures, _winds = map(_measure, MEASURES)
_words = _Remembered(lambda text: _json(parse_text("weather", text)))
_sources = _Remembered(lambda text: _json(parse_text("source", text) or DEFAULT_SOURCE))


LineJson = tuple[str, datetime | None]
"""A reading's JSON, and when its line was written. A plain tuple, since there are so many."""


def usual_json(
    line: Line, prev_end: int, *, earliest: datetime, latest: datetime
) -> LineJson | None:
    """The payload of a usual line that holds a reading and says when it was written; else None."""
    segment, offset, end, data, kind, layout = line
    if (
        kind is not LineKind.RECORD
        or layout.columns is not COLUMNS
        or len(data) > _LONGEST_USUAL_LINE
        or b'"' in data
    ):
        return None
    try:
        when, city, temperature, humidity, pressure, wind, words, source, written = (
            data.decode().split(",")
        )
        observed_at, timestamp = _moments[when]
        if not earliest <= observed_at <= latest:
            return None
        written_at, fetched_at = _moments[written]
        text = (
            f'{{"v":1,"timestamp":{timestamp},"city":{_cities[city]}'
            f',"temperature_c":{_temperatures[temperature]},"humidity":{_humidities[humidity]}'
            f',"pressure":{_pressures[pressure]},"wind_speed":{_winds[wind]}'
            f',"weather":{_words[words]},"source":{_sources[source]},"fetched_at":{fetched_at}'
            f',"segment":"{segment}","offset":{offset},"end":{end},"prev_end":{prev_end}}}'
        )
    except ValueError:  # bytes that are not UTF-8, another number of fields, a field that is wrong
        return None
    return text, written_at
