"""A block of the log as columns: what `parse_line` says of each line, for many lines at once.

There is one grammar of a field, in `citywx.weather.reading`. Here each *distinct* text of a column
is read by it once; texts of the plain form that Arrow and the grammar read alike (most times and
numbers) are read by Arrow. A line with anything unusual in it (quotes, control characters, a wrong
number of fields, a field that is refused) is read by itself, which also gives the reason for its
rejection.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from citywx.staging.lines import Block, Rejected, cut_lines, read_record
from citywx.staging.segments import BOM
from citywx.weather.reading import (
    COLUMNS,
    CONTRACT_COLUMNS,
    DEFAULT_SOURCE,
    MEASURES,
    Reading,
    UnreadableError,
    parse_number,
    parse_text,
    parse_timestamp,
)

NOT_REPORTED = np.iinfo(np.int64).min
"""Stands for a missing time: `numpy.datetime64("NaT")` as a number."""

_LONGEST_PLAIN = 512
_LINE_END, _COMMA, _ASCII = ord("\n"), ord(","), 128
_UNUSUAL = (b"\x00", b"\r", b'"')
_HEADER_WORD = b"timestamp"
_PLAIN_NUMBER = r"^-?[0-9]{1,15}(\.[0-9]{1,12})?$"
_PLAIN_TIME = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
_TEXT = pa.dictionary(pa.int32(), pa.string())
_MOMENT = pa.timestamp("us", "UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_MICROS = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of few distinct texts: `texts[codes[i]]` is that of line i; `texts` are distinct."""

    codes: NDArray[np.int32]
    texts: Sequence[str | None]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Coded":
        return Coded(self.codes[chosen], self.texts)


@dataclass(frozen=True, slots=True)
class Columns:
    """Readings as columns; all have one length."""

    timestamp: NDArray[np.int64]
    """Observation times, microseconds since 1970-01-01 UTC."""
    city: Coded
    measures: dict[str, NDArray[np.float64]]
    """By their names in MEASURES; NaN = not reported."""
    weather: Coded
    source: Coded
    fetched_at: NDArray[np.int64]
    """Microseconds likewise; NOT_REPORTED where the line does not say."""
    offset: NDArray[np.int64]
    """Where each line starts."""

    def __len__(self) -> int:
        return len(self.timestamp)

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Columns":
        return Columns(
            self.timestamp[chosen],
            self.city[chosen],
            {name: values[chosen] for name, values in self.measures.items()},
            self.weather[chosen],
            self.source[chosen],
            self.fetched_at[chosen],
            self.offset[chosen],
        )


@dataclass(frozen=True, slots=True)
class ParsedBlock:
    """What became of a block's lines: `lines = len(readings) + len(rejected) + skipped`."""

    lines: int
    readings: Columns
    rejected: tuple[Rejected, ...]


def parse_block(block: Block, *, earliest: datetime, latest: datetime) -> ParsedBlock:
    """Read every line of a block; `earliest` and `latest` bound the time of observation."""
    if block.special is not None:
        record = read_record(block.special, earliest=earliest, latest=latest)
        return ParsedBlock(1, columns_of([]), (record,) if isinstance(record, Rejected) else ())
    data = np.frombuffer(block.data, np.uint8)
    ends = np.flatnonzero(data == _LINE_END)
    starts = np.concatenate(([0], ends[:-1] + 1))
    names = _column_names(block)
    plain = _plain_lines(block.data, data, starts, ends, len(names))
    columns, good = _read_plain(block, names, starts, ends, plain)
    good &= (columns.timestamp >= micros(earliest)) & (columns.timestamp <= micros(latest))
    plain[plain] = good
    readings, rejected = _read_singly(block, starts, ends, ~plain, (earliest, latest))
    if not good.all():
        columns = columns[good]
    return ParsedBlock(len(starts), joined([columns, columns_of(readings)]), tuple(rejected))


def columns_of(readings: Sequence[tuple[Reading, int]]) -> Columns:
    """Readings and the offsets of their lines as columns."""

    def moments(values: Iterable[datetime | None]) -> NDArray[np.int64]:
        numbers = [NOT_REPORTED if value is None else micros(value) for value in values]
        return np.array(numbers, np.int64)

    return Columns(
        moments(reading.timestamp for reading, _ in readings),
        _coded([reading.city for reading, _ in readings]),
        {
            name: np.array([getattr(reading, name) for reading, _ in readings], np.float64)
            for name in MEASURES
        },
        _coded([reading.weather for reading, _ in readings]),
        _coded([reading.source for reading, _ in readings]),
        moments(reading.fetched_at for reading, _ in readings),
        np.array([offset for _, offset in readings], np.int64),
    )


def joined(parts: Sequence[Columns]) -> Columns:
    """The lines of all parts, one after the other."""
    filled = [part for part in parts if len(part)] or parts[:1]
    return reduce(_join_two, filled)


def days_of(readings: Columns) -> frozenset[date]:
    """The UTC days of their observation times."""
    days = np.unique(readings.timestamp // _DAY_MICROS)
    return frozenset((_EPOCH + timedelta(days=int(day))).date() for day in days)


def micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def _join_two(first: Columns, second: Columns) -> Columns:
    def both(name: str) -> NDArray[np.int64]:
        return np.concatenate((getattr(first, name), getattr(second, name)))

    def recoded(one: Coded, other: Coded) -> Coded:
        texts = dict.fromkeys((*one.texts, *other.texts))
        places = {text: place for place, text in enumerate(texts)}
        moved = np.array([places[text] for text in other.texts], np.int32)
        return Coded(np.concatenate((one.codes, moved[other.codes])), tuple(texts))

    return Columns(
        both("timestamp"),
        recoded(first.city, second.city),
        {
            name: np.concatenate((values, second.measures[name]))
            for name, values in first.measures.items()
        },
        recoded(first.weather, second.weather),
        recoded(first.source, second.source),
        both("fetched_at"),
        both("offset"),
    )


def _column_names(block: Block) -> tuple[str, ...]:
    """The columns of the block's lines; without a header, those of its first line."""
    if block.layout.columns is not None:
        return block.layout.columns
    first = block.data[: block.data.index(b"\n")]
    return COLUMNS if first.count(b",") == len(COLUMNS) - 1 else CONTRACT_COLUMNS


def _plain_lines(
    text: bytes,
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    fields: int,
) -> NDArray[np.bool_]:
    """Which lines have so many fields and nothing unusual in them."""
    commas = np.diff(np.searchsorted(np.flatnonzero(data == _COMMA), ends), prepend=0)
    plain: NDArray[np.bool_] = (commas == fields - 1) & (ends - starts <= _LONGEST_PLAIN)
    unusual = [_places(byte, text) for byte in _UNUSUAL if byte in text]
    if _HEADER_WORD in (lowered := text.lower()):
        unusual.append(_places(_HEADER_WORD, lowered))
    try:
        text.decode()
    except UnicodeDecodeError:
        unusual.append(np.flatnonzero(data >= _ASCII))
    for places in unusual:
        plain[np.searchsorted(ends, places)] = False
    if text.startswith(BOM):
        plain[0] = False
    return plain


def _places(part: bytes, text: bytes) -> NDArray[np.int64]:
    return np.array([found.start() for found in re.finditer(re.escape(part), text)], np.int64)


def _read_plain(
    block: Block,
    names: Sequence[str],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    plain: NDArray[np.bool_],
) -> tuple[Columns, NDArray[np.bool_]]:
    """The plain lines as columns, and which of them the grammar accepts."""
    if not plain.any():
        return columns_of([]), np.zeros(0, bool)
    text = block.data
    if not plain.all():
        kept = np.repeat(plain, ends - starts + 1)
        text = np.frombuffer(text, np.uint8)[kept].tobytes()
    fields = _split(text, names)
    good = np.ones(np.count_nonzero(plain), bool)

    def read(name: str, parse: Callable[[pa.StringArray, str], _Read]) -> NDArray[Any]:
        """A column's values; `good` becomes False where one is refused."""
        if name not in names:
            values, refused = parse(pa.array([""]), name)
            return np.repeat(values, len(good))
        column = fields.column(name).combine_chunks()
        values, refused = parse(column.dictionary, name)
        codes: NDArray[np.int32] = column.indices.to_numpy()
        if refused.any():
            np.logical_and(good, ~refused[codes], out=good)
        return values[codes]

    def coded(name: str) -> Coded:
        texts: dict[str | None, int] = {}
        codes = read(name, lambda distinct, name: _read_texts(distinct, name, texts))
        return Coded(codes, tuple(texts))

    columns = Columns(
        read("timestamp", _read_times),
        coded("city"),
        {name: read(name, _read_numbers) for name in MEASURES},
        coded("weather"),
        coded("source"),
        read("fetched_at", _read_optional_times),
        starts[plain] + block.offset,
    )
    return columns, good


_Read = tuple[NDArray[Any], NDArray[np.bool_]]
"""Values, and which of them are refused."""


def _split(text: bytes, names: Sequence[str]) -> pa.Table:
    return arrow_csv.read_csv(
        pa.BufferReader(text),
        arrow_csv.ReadOptions(
            column_names=list(names), use_threads=False, block_size=len(text) + 1
        ),
        arrow_csv.ParseOptions(quote_char=False, double_quote=False, ignore_empty_lines=False),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, _TEXT),
            include_columns=[name for name in names if name in COLUMNS],
            null_values=[],
            strings_can_be_null=False,
        ),
    )


def _read_numbers(texts: pa.StringArray, name: str) -> _Read:
    def plainly(plain: pa.StringArray) -> NDArray[np.float64]:
        return pc.cast(plain, pa.float64()).to_numpy()  # type: ignore[no-any-return]

    def singly(text: str) -> float | None:
        return parse_number(name, text)

    return _read_distinct(texts, _PLAIN_NUMBER, plainly, singly, np.empty(len(texts), np.float64))


def _read_times(texts: pa.StringArray, _name: str) -> _Read:
    def plainly(plain: pa.StringArray) -> NDArray[np.int64]:
        return pc.cast(pc.cast(plain, _MOMENT), pa.int64()).to_numpy()  # type: ignore[no-any-return]

    def singly(text: str) -> int:
        return micros(parse_timestamp(text))

    return _read_distinct(texts, _PLAIN_TIME, plainly, singly, np.empty(len(texts), np.int64))


def _read_optional_times(texts: pa.StringArray, name: str) -> _Read:
    values, refused = _read_times(texts, name)
    for place in np.flatnonzero(refused):
        if not texts[int(place)].as_py().strip():
            values[place], refused[place] = NOT_REPORTED, False
    return values, refused


def _read_distinct(
    texts: pa.StringArray,
    form: str,
    plainly: Callable[[pa.StringArray], NDArray[Any]],
    singly: Callable[[str], float | None],
    values: NDArray[Any],
) -> _Read:
    """Read texts of the plain form all at once, and the others one by one, into `values`."""
    matches = pc.match_substring_regex(texts, form)
    is_plain = matches.to_numpy(zero_copy_only=False)
    try:
        values[is_plain] = plainly(texts.filter(matches))
    except pa.ArrowInvalid:  # one of them does not exist, like 30 February: find out which
        is_plain = np.zeros(len(texts), bool)
    refused = np.zeros(len(texts), bool)
    for place in np.flatnonzero(~is_plain):
        try:
            value = singly(texts[int(place)].as_py())
        except UnreadableError:
            refused[place] = True
            value = 0
        values[place] = np.nan if value is None else value
    return values, refused


def _read_texts(distinct: pa.StringArray, name: str, known: dict[str | None, int]) -> _Read:
    """Codes of the texts; `known` gets the texts in the order of their codes."""
    codes, refused = np.zeros(len(distinct), np.int32), np.zeros(len(distinct), bool)
    for place, text in enumerate(distinct.to_pylist()):
        try:
            parsed = parse_text(name, text)
        except UnreadableError:
            refused[place] = True
            continue
        if parsed is None and name == "source":
            parsed = DEFAULT_SOURCE
        refused[place] = parsed is None and name == "city"
        codes[place] = known.setdefault(parsed, len(known))
    return codes, refused


def _read_singly(
    block: Block,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    odd: NDArray[np.bool_],
    bounds: tuple[datetime, datetime],
) -> tuple[list[tuple[Reading, int]], list[Rejected]]:
    """The lines that need a look of their own: readings with their offsets, and rejections."""
    readings, rejected = [], []
    for start, end in zip(starts[odd].tolist(), ends[odd].tolist(), strict=True):
        offset = block.offset + start
        (line,) = cut_lines(block.segment, offset, block.data[start:end], block.layout)
        record = read_record(line, earliest=bounds[0], latest=bounds[1])
        if isinstance(record, Rejected):
            rejected.append(record)
        elif record is not None:
            readings.append((record, offset))
    return readings, rejected


def _coded(texts: Sequence[str | None]) -> Coded:
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return Coded(np.array([places[text] for text in texts], np.int32), tuple(places))
