"""Monthly partitions of the readings: made ahead by a daily job, and when an older month arrives.

Dropping months belongs in `citywx.warehouse.retention`. The functions `make_month` and
`drop_months` of the database do the work as the tables' owner, since nobody else may.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection, text

from citywx.warehouse.locks import lock_for_transaction

MONTHLY_TABLES = ("raw_readings", "weather_readings")
MONTHS_AHEAD = 2

_EXISTING = text(
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
    " WHERE inhparent = to_regclass(:table)"
)
_KEEP = text("LOCK TABLE ONLY raw_readings IN ACCESS SHARE MODE")
_MAKE = text("SELECT make_month(:table, :month)")


def ensure_months(connection: Connection, table: str, months: Iterable[date]) -> list[date]:
    """Make sure that `table` has a partition for each month (given by its first day).

    Returns the months that were made. A table that is attached, unlike one that is created as a
    partition, keeps nobody from reading or writing the others meanwhile. A month that retention has
    dropped raises sqlalchemy.exc.DBAPIError: see `citywx.warehouse.retention.oldest_accepted`.
    """
    wanted = {f"{table}_{month:%Y_%m}": month for month in months}
    missing = wanted.keys() - set(connection.execute(_EXISTING, {"table": table}).scalars())
    if not missing:
        return []
    keep_months(connection)
    lock_for_transaction(connection, "partitions")
    made = sorted(wanted[name] for name in missing)
    for month in made:
        connection.execute(_MAKE, {"table": table, "month": month})
    return made


def make_months_ahead(connection: Connection, today: date) -> dict[str, list[date]]:
    """Make the present month and the next ones of every monthly table; what was made."""
    months = [month_start(today)]
    while len(months) <= MONTHS_AHEAD:
        months.append(next_month(months[-1]))
    return {table: ensure_months(connection, table, months) for table in MONTHLY_TABLES}


def keep_months(connection: Connection) -> None:
    """Let retention drop no month of any table until the transaction ends.

    Whoever needs more locks takes this one first, then that of months (`partitions`), then those of
    `weather_readings`: retention takes them in the same order.
    """
    connection.execute(_KEEP)


def month_start(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)


def next_month(first: date) -> date:
    """The first day of the month after.

    >>> next_month(date(2026, 12, 1))
    datetime.date(2027, 1, 1)
    """
    years, month = divmod(first.month, 12)
    return date(first.year + years, month + 1, 1)
