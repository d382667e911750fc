"""Rows into PostgreSQL by COPY, through a temporary table that a statement then merges from."""

from collections.abc import Iterable
from datetime import datetime

from psycopg import sql
from sqlalchemy import Connection, text

from citywx.warehouse.driver import driver_of

NULL = "\\N"


def create_stage(connection: Connection, name: str, columns: str) -> None:
    """Make sure that this connection has the temporary table; its rows go with the transaction.

    `name` and `columns` are SQL of our own.
    """
    connection.execute(
        text(f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns}) ON COMMIT DELETE ROWS")
    )


def copy_lines(connection: Connection, table: str, lines: Iterable[str]) -> None:
    """COPY lines in PostgreSQL's text format, made of the fields below with tabs between them."""
    statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
    with driver_of(connection).cursor() as cursor, cursor.copy(statement) as copy:
        copy.write("".join(lines).encode())


def copy_text(value: str | None) -> str:
    """A text as a field of a COPY line; it holds no control characters."""
    return NULL if value is None else value.replace("\\", "\\\\")


def copy_number(value: float | None) -> str:
    """A number as a field of a COPY line, to its last digit."""
    return NULL if value is None else repr(value)


def copy_time(value: datetime | None) -> str:
    """An aware time as a field of a COPY line."""
    return NULL if value is None else value.isoformat()
