"""What is in a database, to compare before and after."""

from collections.abc import Collection

from sqlalchemy import Connection, inspect, text


def hashes(connection: Connection) -> dict[str, str]:
    """A hash of the rows of each table and view, whatever their order; partitions too."""
    inspector = inspect(connection)
    names = {*inspector.get_table_names(), *inspector.get_view_names()}
    return {name: _hash(connection, name, ["t.*"]) for name in sorted(names)}


def hash_of(connection: Connection, table: str, columns: Collection[str]) -> str:
    """A hash of some columns of a table."""
    return _hash(connection, table, [f'"{name}"' for name in sorted(columns)])


def _hash(connection: Connection, table: str, columns: Collection[str]) -> str:
    row = f"ROW({', '.join(columns)})::text"
    query = f"SELECT md5(coalesce(string_agg({row}, E'\\n' ORDER BY {row}), '')) FROM {table} AS t"  # noqa: S608 - names of ours
    return str(connection.scalar(text(query)))
