"""Columns into PostgreSQL by COPY in its binary format: numbers need no digits, times no words.

Each field is a matrix with a row for each line: four bytes of length, then the value's bytes,
padded to the longest. Laid side by side, and the padding left out, they are the lines that COPY
reads. The format stands in PostgreSQL's manual under COPY, *Binary Format*.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import Connection

from citywx.warehouse.driver import POSTGRES_EPOCH_MICROS, driver_of

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)  # no flags, no extension
_END = b"\xff\xff"
_TEXT_OID = 25
_WRITE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Field:
    """One column as bytes."""

    data: NDArray[np.uint8]
    """(lines, 4 + longest value): length and value of each line."""
    kept: NDArray[np.bool_] | None = None
    """Which of these bytes are sent; None = all."""


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
    body = memoryview(_lines(list(fields.values())))
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_SIGNATURE)
        for start in range(0, len(body), _WRITE_BYTES):
            copy.write(body[start : start + _WRITE_BYTES])
        copy.write(_END)


def _lines(fields: Sequence[Field]) -> bytes:
    count = len(fields[0].data)
    width = 2 + sum(field.data.shape[1] for field in fields)
    lines = np.empty((count, width), np.uint8)
    kept = np.ones((count, width), bool)
    lines[:, :2] = np.frombuffer(len(fields).to_bytes(2, "big"), np.uint8)
    start = 2
    for field in fields:
        end = start + field.data.shape[1]
        lines[:, start:end] = field.data
        if field.kept is not None:
            kept[:, start:end] = field.kept
        start = end
    return lines[kept].tobytes()


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
    return Field(data[codes], None if kept.all() else kept[codes])


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
