"""Columns into PostgreSQL by COPY in its binary format: numbers need no digits, times no words.

Each field is a matrix: a row holds four bytes of length, then the value's bytes, padded to the
longest. Laid side by side, and the padding left out, they are the lines that COPY reads. The format
stands in PostgreSQL's manual under COPY, *Binary Format*.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from citywx.warehouse.driver import POSTGRES_EPOCH_MICROS, driver_of

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
_END = b"\xff\xff"
_TEXT_OID = 25
_LINES_AT_ONCE = 8_192
_PADDED_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Field:
    """One column as bytes: those of each distinct value, and which of them each line has."""

    data: NDArray[np.uint8]
    """(values, 4 + longest value): length and value."""
    kept: NDArray[np.bool_] | None = None
    """Which of these bytes are sent; None = all."""
    codes: NDArray[np.integer] | None = None
    """The value of each line; None = each line has its own, in order."""

    def __len__(self) -> int:
        return len(self.data if self.codes is None else self.codes)

    def lines(self, part: slice) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
        """The bytes of some lines, and which of them are sent."""
        chosen = part if self.codes is None else self.codes[part]
        return self.data[chosen], None if self.kept is None else self.kept[chosen]


def numbers(values: NDArray[np.float64]) -> Field:
    """A column `double precision`; NaN is sent as NULL."""
    return _fixed(values, ">f8", np.isnan(values))


def integers(values: NDArray[np.int64], kind: str = ">i8") -> Field:
    """A column `bigint`, or `integer` (">i4"), or `smallint` (">i2")."""
    return _fixed(values, kind)


def moments(micros: NDArray[np.int64], missing: NDArray[np.bool_] | None = None) -> Field:
    """A column `timestamptz` of microseconds since 1970-01-01 UTC; NULL where `missing`."""
    return _fixed(micros - POSTGRES_EPOCH_MICROS, ">i8", missing)


def flags(values: NDArray[np.bool_], missing: NDArray[np.bool_]) -> Field:
    """A column `boolean`; NULL where `missing`."""
    return _fixed(values, ">u1", missing)


def texts(codes: NDArray[np.integer], distinct: Sequence[str | None]) -> Field:
    """A column `text` of few distinct ones; None is sent as NULL."""
    return _chosen(codes, [None if text is None else text.encode() for text in distinct])


def text_arrays(codes: NDArray[np.integer], distinct: Sequence[Sequence[str]]) -> Field:
    """A column `text[]` of few distinct arrays."""
    return _chosen(codes, [_text_array(names) for names in distinct])


def copy_fields(connection: Connection, table: str, fields: dict[str, Field]) -> None:
    """COPY columns, all of one length, into `table`."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, fields))
    )
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_SIGNATURE)
        for lines in _lines(list(fields.values())):
            copy.write(lines)
        copy.write(_END)


def _lines(fields: Sequence[Field]) -> Iterator[bytes]:
    """The lines, some thousands at a time: each is padded to the longest text of all."""
    width = 2 + sum(field.data.shape[1] for field in fields)
    at_once = max(1, min(_LINES_AT_ONCE, _PADDED_BYTES // width))
    for start in range(0, len(fields[0]), at_once):
        part = slice(start, start + at_once)
        lines = np.empty((len(range(*part.indices(len(fields[0])))), width), np.uint8)
        kept = np.ones(lines.shape, bool)
        lines[:, :2] = np.frombuffer(len(fields).to_bytes(2, "big"), np.uint8)
        left = 2
        for field in fields:
            right = left + field.data.shape[1]
            data, sent = field.lines(part)
            lines[:, left:right] = data
            if sent is not None:
                kept[:, left:right] = sent
            left = right
        yield lines[kept].tobytes()


def _fixed(
    values: NDArray[np.generic], kind: str, missing: NDArray[np.bool_] | None = None
) -> Field:
    raw = values.astype(kind).view(np.uint8).reshape(len(values), -1)
    size = raw.shape[1]
    data = np.empty((len(values), 4 + size), np.uint8)
    data[:, :4] = _length(size)
    data[:, 4:] = raw
    if missing is None or not missing.any():
        return Field(data)
    data[missing, :4] = _length(-1)
    kept = np.ones(data.shape, bool)
    kept[missing, 4:] = False
    return Field(data, kept)


def _chosen(codes: NDArray[np.integer], distinct: Sequence[bytes | None]) -> Field:
    """Of few distinct values, that of each line."""
    longest = max((len(value) for value in distinct if value is not None), default=0)
    data = np.zeros((len(distinct), 4 + longest), np.uint8)
    kept = np.zeros(data.shape, bool)
    for row, value in enumerate(distinct):
        size = -1 if value is None else len(value)
        data[row, :4] = _length(size)
        data[row, 4 : 4 + max(size, 0)] = np.frombuffer(value or b"", np.uint8)
        kept[row, : 4 + max(size, 0)] = True
    return Field(data, None if kept.all() else kept, codes)


def _text_array(names: Sequence[str]) -> bytes:
    """An array of one dimension: dimensions, no NULLs, element type, size and first index."""
    if not names:
        return _int4(0, 0, _TEXT_OID)
    elements = b"".join(_int4(len(raw)) + raw for raw in (name.encode() for name in names))
    return _int4(1, 0, _TEXT_OID, len(names), 1) + elements


def _int4(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big", signed=True) for value in values)


def _length(size: int) -> NDArray[np.uint8]:
    return np.frombuffer(_int4(size), np.uint8)
