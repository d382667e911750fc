"""The project's own embedded PostgreSQL as a supervised process with a migrated database."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import create_engine, make_url

from citywx.local_stack import postgres
from citywx.warehouse.database import migrate
from tests.faults.supervisor import Service
from tests.support.ports import free_port

NAME = "citywx"


@dataclass
class Database:
    """A server's data folder, port and password."""

    data: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)

    @property
    def url(self) -> str:
        return postgres.database_url(self.port, self.password, NAME)

    def service(self, log: Path, environment: dict[str, str], options: Sequence[str]) -> Service:
        """The server as it is run in production; made first where it is not there."""
        postgres.initialise(self.data)
        command = postgres.server_command(self.data, self.port, options)
        return Service("postgres", command, log, environment, Path("/"))

    def migrate(self) -> None:
        """Wait for the server; make the role, the database and its tables."""
        postgres.prepare(self.data, self.port, self.password, databases=[NAME])
        engine = create_engine(make_url(self.url).set(drivername="postgresql+psycopg"))
        migrate(engine)
        engine.dispose()

    def connect(self, connect_timeout: int = 5) -> psycopg.Connection:
        return psycopg.connect(
            self.url,
            connect_timeout=connect_timeout,
            autocommit=True,
            options="-c timezone=UTC",
        )
