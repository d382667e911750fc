"""Who may do what in the warehouse: one role a writer, with the rights that its work needs.

Every upgrade of the schema grants these rights to the roles that are there (`grant_rights`), so
that they always fit the tables. Creating roles is another matter: it needs CREATEROLE, which the
embedded database does not give us, and is asked for by `citywx db roles` or by a password in the
settings (`create_roles`). Where no role exists, whoever owns the tables does everything.
"""

import logging
from collections.abc import Mapping

from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from citywx.settings import Settings
from citywx.warehouse.driver import driver_of
from citywx.warehouse.rights import BATCH, GRANTS, MEMBERS, RELATIONS

_log = logging.getLogger(__name__)
_FUNCTIONS = sql.SQL("FUNCTION make_month(text, date), drop_months(text)")
_ANY_FUNCTIONS = text("SELECT to_regprocedure('make_month(text, date)') IS NOT NULL")
_EXISTING = text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)")


class RolesError(Exception):
    """Roles cannot be created; the message says what is missing."""


def grant_rights(connection: Connection) -> list[str]:
    """Give each role that exists exactly its rights on our tables; returns those roles.

    The schema must be the newest: an older one has not all of the tables.
    """
    roles = existing_roles(connection)
    close_functions(connection)
    for role in roles:
        name, relations = sql.Identifier(role), sql.SQL(", ").join(map(sql.Identifier, RELATIONS))
        _execute(connection, sql.SQL("REVOKE ALL ON {} FROM {}").format(relations, name))
        for relation, verbs in GRANTS.get(role, {}).items():
            grant = sql.SQL("GRANT {} ON {} TO {}").format(
                sql.SQL(verbs), sql.Identifier(relation), name
            )
            _execute(connection, grant)
        verb, whom = ("GRANT", "TO") if role == BATCH else ("REVOKE", "FROM")
        statement = sql.SQL(f"{verb} EXECUTE ON {{}} {whom} {{}}")
        _execute(connection, statement.format(_FUNCTIONS, name))
    return roles


def close_functions(connection: Connection) -> None:
    """Let the public not make or drop months, as it may once a backup is restored."""
    if connection.scalar(_ANY_FUNCTIONS):  # an old schema has none
        _execute(connection, sql.SQL("REVOKE EXECUTE ON {} FROM PUBLIC").format(_FUNCTIONS))


def create_roles(connection: Connection, settings: Settings) -> list[str]:
    """Create the roles that are missing; those with a password in the settings may log in.

    Returns the roles that were created. Raises RolesError when the user lacks CREATEROLE.
    """
    there = set(existing_roles(connection))
    created = [role for role in (*GRANTS, *MEMBERS) if role not in there]
    try:
        for role in created:
            _execute(connection, sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        for role, groups in MEMBERS.items():
            member = sql.Identifier(role)
            joined = sql.SQL(", ").join(map(sql.Identifier, groups))
            _execute(connection, sql.SQL("GRANT {} TO {}").format(joined, member))
        for role, password in login_passwords(settings).items():
            _let_log_in(connection, role, password.get_secret_value())
    except ProgrammingError as error:
        message = (
            f"the database user may not create roles ({error.orig}): name one with CREATEROLE "
            f"in DATABASE_URL, or have an administrator run `citywx db roles`"
        )
        raise RolesError(message) from None
    if created:
        _log.info("database roles created: %s", ", ".join(created))
    return created


def existing_roles(connection: Connection) -> list[str]:
    """Which of our roles the server has."""
    names = [*GRANTS, *MEMBERS]
    return sorted(connection.execute(_EXISTING, {"names": names}).scalars())


def login_passwords(settings: Settings) -> Mapping[str, SecretStr]:
    """The roles that log in, with their passwords."""
    wanted = {
        "citywx_poller": settings.postgres_poller_password,
        "citywx_recorder": settings.postgres_recorder_password,
        "citywx_notifier": settings.postgres_notifier_password,
        "citywx_dashboard_rw": settings.postgres_dashboard_password,
        "citywx_dagster": settings.postgres_dagster_password,
    }
    return {role: password for role, password in wanted.items() if password is not None}


def _let_log_in(connection: Connection, role: str, password: str) -> None:
    """The password goes to the server as a SCRAM verifier, so that no log of it can hold it."""
    pgconn = driver_of(connection).pgconn
    verifier = pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    _execute(
        connection,
        sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(verifier.decode())
        ),
    )


def _execute(connection: Connection, statement: sql.Composed) -> None:
    connection.exec_driver_sql(statement.as_string())
