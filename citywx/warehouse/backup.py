"""The whole warehouse into one file and back, by PostgreSQL's own pg_dump and pg_restore.

The programs are those of the embedded PostgreSQL where it is installed, else those on PATH. They
get the password in their environment, never in their arguments, which every user can read.
"""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, Engine, text

from citywx.local_stack.postgres import PostgresMissingError, binary
from citywx.warehouse.database import is_migrated
from citywx.warehouse.roles import close_functions, grant_rights

_RELATIONS = text("""
    SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND relkind IN ('r', 'p', 'v', 'm')
""")
_KNOWN = "SELECT FROM pg_database WHERE datname = %s"


class BackupError(Exception):
    """A backup or restore could not be done; the message says why."""


def back_up(url: URL, target: Path) -> None:
    """Write the database at `url` to `target`, whole or not at all; the owner alone may read it."""
    partial = target.with_name(f"{target.name}.partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}"
        raise BackupError(message) from None
    try:
        _run("pg_dump", url, "--format=custom", *_OURS_ALONE, f"--file={partial}")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def restore(engine: Engine, source: Path) -> None:
    """Fill the database of `engine` from a backup; it must be empty, and is made if it is missing.

    All or nothing. The roles that exist get their rights again; where the backup is of an older
    schema, once it is upgraded.
    """
    if not source.is_file():
        message = f"{source} is not there"
        raise BackupError(message)
    _create_if_missing(engine.url)
    with engine.connect() as connection:
        if connection.scalar(_RELATIONS):
            message = (
                f"the database {engine.url.database} is not empty: name a new one in "
                f"DATABASE_URL, so that nothing is overwritten"
            )
            raise BackupError(message)
    atomic = ("--single-transaction", "--exit-on-error")
    _run("pg_restore", engine.url, *atomic, *_OURS_ALONE, str(source))
    with engine.begin() as connection:
        close_functions(connection)
        if is_migrated(connection):
            grant_rights(connection)
        connection.execute(text("ANALYZE"))


_OURS_ALONE = ("--no-owner", "--no-privileges")
"""Whoever restores owns what is restored; rights follow from `citywx.warehouse.rights`."""


def _create_if_missing(url: URL) -> None:
    beside = url.set(drivername="postgresql", database="postgres")
    name = str(url.database)
    try:
        with psycopg.connect(
            beside.render_as_string(hide_password=False), autocommit=True
        ) as connection:
            if connection.execute(_KNOWN, [name]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        message = f"the database {name} cannot be made: {error}"
        raise BackupError(message) from None


def _run(program: str, url: URL, *arguments: str) -> None:
    bare, password = without_password(url)
    command = [_program(program), "--no-password", f"--dbname={bare}", *arguments]
    environment = {"PGPASSWORD": password, "LC_ALL": "C"}
    result = subprocess.run(  # noqa: S603 - our own words, and a file that the user names
        command, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["it failed without a word"]
        message = f"{program}: {lines[-1].removeprefix(f'{program}: error: ')}"
        raise BackupError(message)


def without_password(url: URL) -> tuple[str, str]:
    """The address without any password, and the password, which may also stand in its query."""
    query = url.normalized_query
    if "sslpassword" in query:
        message = (
            "DATABASE_URL has an sslpassword, which pg_dump and pg_restore take in their arguments "
            "alone, where every user can read it: name a key without a password"
        )
        raise BackupError(message)
    password = query.get("password", (str(url.password or ""),))[-1]
    left = {name: values for name, values in query.items() if name != "password"}
    bare = URL.create("postgresql", url.username, None, url.host, url.port, url.database, left)
    return bare.render_as_string(), password


def _program(name: str) -> str:
    try:
        return binary(name)
    except PostgresMissingError:
        found = shutil.which(name)
    if found is None:
        message = (
            f"{name} is missing: install PostgreSQL's client programs (Debian, Ubuntu: "
            f"apt-get install postgresql-client), or `pip install 'citywx[local]'`"
        )
        raise BackupError(message)
    return found
