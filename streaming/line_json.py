"""A usual line of the log → its reading as JSON, without the objects between.

There is one grammar: each field is read by the parsers of `citywx.weather.reading`, once for each
text that it takes, and what is remembered is the JSON of what they found. A line that is unusual in
any way is none of this module's business: it is left to `citywx.staging.lines.read_record` and
`streaming.messages.encode_reading`, whose payload this one's equals byte by byte.
"""

from datetime import datetime

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
from streaming.remembered import Remembered

_LONGEST_USUAL_LINE = 512  # bytes, so that hostile lines cannot fill the memory


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


def _word(text: str) -> str:
    return _json(parse_text("weather", text))


def _source(text: str) -> str:
    return _json(parse_text("source", text) or DEFAULT_SOURCE)


def _measure(name: str) -> Remembered[str, str]:
    return Remembered(lambda text: _json(parse_number(name, text)))


_moments, _cities = Remembered(_moment), Remembered(_city)
_words, _sources = Remembered(_word), Remembered(_source)
_temperatures, _humidities, _pressures, _winds = map(_measure, MEASURES)

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
