import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text

from citywx.local_stack import postgres
from tests.support.ports import free_port

pytestmark = pytest.mark.integration

PASSWORD = "canary p/ss@word"
NO_SYNC = ("fsync=off",)


@contextmanager
def running(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(
        postgres.server_command(data, port, NO_SYNC), cwd="/", stderr=subprocess.PIPE
    )
    with server:
        try:
            yield server
        finally:
            server.send_signal(signal.SIGINT)
            server.communicate(timeout=20)


def ask(port: int, query: str, password: str = PASSWORD) -> object:
    with psycopg.connect(postgres.database_url(port, password)) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def test_a_server_serves_our_role_over_loopback_and_nobody_without_the_password(
    tmp_path: Path,
) -> None:
    data, port = tmp_path / "postgres", free_port()
    assert postgres.initialise(data)
    assert not postgres.initialise(data)
    with running(data, port):
        postgres.prepare(data, port, PASSWORD)
        postgres.prepare(data, port, PASSWORD)
        assert ask(port, "SELECT current_user") == "citywx"
        assert ask(port, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        owned = """
            SELECT string_agg(datname, ' ' ORDER BY datname)
            FROM pg_database JOIN pg_roles ON datdba = pg_roles.oid WHERE rolname = 'citywx'
        """
        assert ask(port, owned) == "citywx dagster"
        assert ask(port, "SHOW data_checksums") == "on"
        assert ask(port, "SHOW server_encoding") == "UTF8"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            ask(port, "SELECT 1", "wrong")
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres")


def test_the_password_may_change_from_one_start_to_the_next(tmp_path: Path) -> None:
    data, port = tmp_path / "postgres", free_port()
    postgres.initialise(data)
    with running(data, port):
        postgres.prepare(data, port, "old")
        postgres.prepare(data, port, PASSWORD)
        assert ask(port, "SELECT 1") == 1


def test_no_command_or_file_holds_the_password(tmp_path: Path) -> None:
    data, port = tmp_path / "postgres", free_port()
    postgres.initialise(data)
    with running(data, port):
        postgres.prepare(data, port, PASSWORD)
    assert PASSWORD not in " ".join(postgres.server_command(data, port))
    for path in data.rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()


def test_an_interrupted_initialisation_is_begun_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    assert postgres.initialise(tmp_path / "postgres")
    assert not unfinished.exists()


def test_a_path_too_long_for_a_socket_gets_a_private_folder_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = tmp_path / ("x" * 100) / "postgres"
    postgres.initialise(data)
    folder = postgres.socket_folder(data)
    assert folder != data
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    with pytest.raises(postgres.PostgresSetupError, match="belongs to somebody else"):
        postgres.socket_folder(data)


def test_committed_rows_survive_a_killed_server(tmp_path: Path) -> None:
    data, port = tmp_path / "postgres", free_port()
    postgres.initialise(data)
    with running(data, port) as server:
        postgres.prepare(data, port, PASSWORD)
        with psycopg.connect(postgres.database_url(port, PASSWORD)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        os.kill(server.pid, signal.SIGKILL)
        server.wait(20)
    with running(data, port):
        postgres.prepare(data, port, PASSWORD)
        assert ask(port, "SELECT n FROM kept") == 7


def test_every_test_gets_a_migrated_database_of_its_own(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO cities (name) VALUES ('Oslo')"))
        assert connection.execute(text("SELECT count(*) FROM cities")).scalar_one() == 1
