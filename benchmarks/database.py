"""An embedded PostgreSQL for the recorder, with its durable default settings."""

import signal

import psycopg

from benchmarks.rig import PASSWORD, Rig, free_port
from benchmarks.rows import BURST_CITIES
from citywx.local_stack import postgres
from citywx.settings import Settings
from citywx.warehouse.database import engine_for, migrate
from streaming.recorder_tables import READINGS_CONSUMER


class Database:
    """A server of the rig's, migrated, and what the recorder has put into it."""

    def __init__(self, stage: Rig) -> None:
        """Start it; processes of ours that are started later find it."""
        data, port = stage.folder / "postgres", free_port()
        stage.folder.chmod(0o755)  # where we are root the server runs as somebody else
        postgres.initialise(data)
        self._server = stage.run("database", postgres.server_command(data, port))
        postgres.prepare(data, port, PASSWORD)
        url = postgres.database_url(port, PASSWORD)
        engine = engine_for(Settings(database_url=url), application="benchmark", pool_size=1)
        migrate(engine)
        engine.dispose()
        stage.environment["DATABASE_URL"] = url
        self._connection = psycopg.connect(url, autocommit=True)

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
        """End it in order: killed, it leaves shared memory behind."""
        self._connection.close()
        self._server.send_signal(signal.SIGINT)
        self._server.wait(20)
