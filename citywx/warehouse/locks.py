"""Locks by name: who holds one is alone with that work until the transaction ends."""

import zlib

from sqlalchemy import Connection, text

_FROZEN_HOLDER = "60s"  # a holder that stands still this long loses its transaction


def lock_for_transaction(connection: Connection, name: str) -> None:
    """Wait until no other transaction holds the lock `name`, and hold it until this one ends."""
    key = zlib.crc32(f"citywx {name}".encode())
    connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{_FROZEN_HOLDER}'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
