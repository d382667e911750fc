"""A real PostgreSQL server a test session, and a database of its own for every test."""

import secrets
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, create_engine, make_url

from citywx.local_stack import postgres
from citywx.warehouse.database import migrate
from tests.support.ports import free_port

_TEMPLATE = "migrated"
_UNSAFE_BUT_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


@dataclass(slots=True)
class PostgresServer:
    """A running server; `url` addresses one of its databases."""

    data: Path
    port: int
    password: str
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return postgres.database_url(self.port, self.password, database)

    def create_database(self, template: str = "template1") -> str:
        """Create a database like `template`, and return its name."""
        name = f"test_{next(self._numbers)}"
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER citywx STRATEGY file_copy").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return name

    def drop_database(self, name: str) -> None:
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def superuser(self) -> psycopg.Connection:
        return postgres.superuser_connection(self.data, self.port)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """The server, with a database `migrated` that the tests' own are copied from."""
    try:
        postgres.binary("postgres")
    except postgres.PostgresMissingError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("postgres")
    server = PostgresServer(folder / "data", free_port(), secrets.token_urlsafe(12))
    postgres.initialise(server.data)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            postgres.server_command(server.data, server.port, _UNSAFE_BUT_QUICK),
            cwd="/",
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        postgres.prepare(server.data, server.port, server.password, databases=[_TEMPLATE])
        engine = _engine(server.url(_TEMPLATE))
        migrate(engine)
        engine.dispose()
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a migrated, empty database (`postgresql://…`), as in DATABASE_URL."""
    name = postgres_server.create_database(_TEMPLATE)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine for a migrated, empty database."""
    engine = _engine(database_url)
    yield engine
    engine.dispose()


def _engine(url: str) -> Engine:
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        connect_args={"options": "-c timezone=UTC", "application_name": "tests"},
    )
