"""Gives a whole database to a role: for Dagster's records, which Dagster itself migrates."""

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

_TABLES_OF_OTHERS = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
      AND relowner <> %s::regrole
"""


def hand_over_database(url: str, database: str, role: str) -> None:
    """Make `role` the owner of a database of `url`'s server, and of what stands in it.

    Sequences go with the tables that own them.
    """
    owner = sql.Identifier(role)
    with psycopg.connect(make_conninfo(url, dbname=database)) as connection:
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(database), owner)
        )
        for (name,) in connection.execute(_TABLES_OF_OTHERS, [role]).fetchall():
            connection.execute(
                sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(name), owner)
            )
