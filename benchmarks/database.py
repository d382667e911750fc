"""An embedded PostgreSQL with its durable default settings, migrated."""

import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.rig import PASSWORD, Rig, free_port
from benchmarks.rows import BURST_CITIES
from citywx.local_stack import postgres
from citywx.settings import Settings
from citywx.warehouse.database import engine_for, migrate
from streaming.recorder_tables import READINGS_CONSUMER

Run = Callable[[Sequence[str]], "subprocess.Popen[bytes]"]


class Server:
    """A server, and a connection to its database."""

    def __init__(self, folder: Path, run: Run) -> None:
        """Start it in a folder, as a process that `run` starts."""
        data, port = folder / "postgres", free_port()
        folder.chmod(0o755)  # where we are root the server runs as somebody else
        postgres.initialise(data)
        self._process = run(postgres.server_command(data, port))
        postgres.prepare(data, port, PASSWORD)
        self.url = postgres.database_url(port, PASSWORD)
        engine = engine_for(Settings(database_url=self.url), application="benchmark", pool_size=1)
        migrate(engine)
        engine.dispose()
        self.connection = psycopg.connect(self.url, autocommit=True)

    def close(self) -> None:
        """End it in order: killed, it leaves shared memory behind."""
        self.connection.close()
        self._process.send_signal(signal.SIGINT)
        self._process.wait(20)


class Database:
    """The server of a rig, and what the recorder has put into it."""

    def __init__(self, stage: Rig) -> None:
        """Start it; processes of ours that are started later find it."""
        self._server = Server(stage.folder, lambda command: stage.run("database", command))
        stage.environment["DATABASE_URL"] = self._server.url
        self._connection = self._server.connection

    def position(self) -> int:
        """The byte of the log up to which rows were committed; 0 before the first."""
        query = "SELECT byte_offset FROM consumer_positions WHERE consumer = %s"
        found = self._connection.execute(query, [READINGS_CONSUMER]).fetchone()
        return int(found[0]) if found else 0

    def burst_rows(self) -> int:
        """Rows of the burst that are in `live_readings`, each counted once."""
        query = (
            "SELECT count(*) FROM (SELECT DISTINCT city, timestamp FROM live_readings"
            " WHERE city LIKE %s) AS found"
        )
        found = self._connection.execute(query, [BURST_CITIES]).fetchone()
        return int(found[0]) if found else 0

    def close(self) -> None:
        """End the server."""
        self._server.close()


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server in a new folder; it ends with the measurement."""
    folder.mkdir()
    with (folder / "server.log").open("wb") as log:
        made = Server(
            folder, lambda command: subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
        )
        try:
            yield made
        finally:
            made.close()
