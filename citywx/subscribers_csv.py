"""Subscribers as a CSV file: `email,cities,state,requested_at,confirmed_at`, cities by `;`."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from sqlalchemy import Connection, Engine, exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from citywx.mail.addresses import AddressError, parse_address
from citywx.subscriptions import (
    SubscriptionError,
    add_confirmed,
    checked_cities,
    request_confirmation,
)
from citywx.warehouse.tables import subscriber_cities, subscribers

COLUMNS = ("email", "cities", "state", "requested_at", "confirmed_at")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(slots=True)
class ImportResult:
    """What became of the rows of a file."""

    added: int = 0
    known: int = 0
    """Left as they are, the unsubscribed too."""
    rejected: list[tuple[int, str]] = field(default_factory=list)
    """Line numbers with reasons."""


class SubscribersFileError(Exception):
    """The file as a whole is not a list of subscribers."""


def import_subscribers(
    engine: Engine, file: TextIO, *, confirmed_elsewhere: bool, now: datetime
) -> ImportResult:
    """Add the subscribers of a CSV file with the columns `email` and `cities` (or `city`).

    Each new one is mailed a link and gets nothing more until it is confirmed; with
    `confirmed_elsewhere` they are confirmed at once and get no such mail. One transaction: a file
    that breaks off adds nobody. Raises SubscribersFileError when the columns are missing.
    """
    result = ImportResult()
    with engine.begin() as connection:
        for line, email, cities in _rows(file):
            try:
                address, wanted = parse_address(email), checked_cities(connection, cities)
            except (AddressError, SubscriptionError) as error:
                result.rejected.append((line, str(error)))
                continue
            if _is_known(connection, address):
                result.known += 1
                continue
            add = add_confirmed if confirmed_elsewhere else request_confirmation
            add(connection, address, wanted, now=now)
            result.added += 1
    return result


def export_subscribers(engine: Engine, file: TextIO) -> int:
    """Write all subscribers; cells that a spreadsheet would run as formulas get a `'` before them.

    Returns how many were written.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    city = subscriber_cities.c.city
    columns = subscribers.c
    query = (
        select(
            columns.email,
            func.array_agg(aggregate_order_by(city, city)).filter(
                subscriber_cities.c.pending == (columns.state == "pending")
            ),
            columns.state,
            columns.requested_at,
            columns.confirmed_at,
        )
        .outerjoin(subscriber_cities)
        .group_by(columns.subscriber_id)
        .order_by(columns.email)
    )
    written = 0
    with engine.connect() as connection:
        for email, cities, *rest in connection.execute(query):
            writer.writerow(_cell(value) for value in (email, ";".join(cities or ()), *rest))
            written += 1
    return written


def _rows(file: TextIO) -> Iterator[tuple[int, str, list[str]]]:
    """Line number, address and cities of each row."""
    reader = csv.DictReader(file)
    names = {name.strip().lower(): name for name in reader.fieldnames or ()}
    cities = names.get("cities", names.get("city"))
    if "email" not in names or cities is None:
        message = "the file needs a first line with the columns email and cities"
        raise SubscribersFileError(message)
    for row in reader:
        listed = _plain(row[cities] or "").split(";")
        wanted = [city.strip() for city in listed if city.strip()]
        yield reader.line_num, _plain(row[names["email"]] or ""), wanted


def _is_known(connection: Connection, address: str) -> bool:
    same = func.lower(subscribers.c.email) == address.lower()
    return bool(connection.scalar(select(exists().where(same))))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _plain(cell: str) -> str:
    """A cell without the `'` that `_cell` puts before formulas."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA_STARTS) else cell
