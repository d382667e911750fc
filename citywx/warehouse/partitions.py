"""Monthly partitions of the readings: made when the first row of a month arrives."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, text

from citywx.warehouse.locks import lock_for_transaction

_EXISTING = text(
    "SELECT inhrelid::regclass::text FROM pg_inherits"
    " WHERE inhparent = CAST(:parent AS text)::regclass"
)


def ensure_months(connection: Connection, table: str, months: Iterable[date]) -> None:
    """Make sure that `table` has a partition for each month (given by its first day).

    A table that is attached, unlike one that is created as a partition, keeps nobody from reading
    or writing the others meanwhile.
    """
    wanted = {f"{table}_{month:%Y_%m}": month for month in months}
    if not wanted.keys() - _existing(connection, table):
        return
    lock_for_transaction(connection, "partitions")
    for name in sorted(wanted.keys() - _existing(connection, table)):
        first = wanted[name]
        after = _next_month(first)
        connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))
        connection.execute(
            text(
                f"ALTER TABLE {table} ATTACH PARTITION {name}"
                f" FOR VALUES FROM ('{first:%Y-%m-%d}T00:00Z') TO ('{after:%Y-%m-%d}T00:00Z')"
            )
        )


def _existing(connection: Connection, table: str) -> set[str]:
    return set(connection.execute(_EXISTING, {"parent": table}).scalars())


def _next_month(first: date) -> date:
    years, month = divmod(first.month, 12)
    return date(first.year + years, month + 1, 1)
