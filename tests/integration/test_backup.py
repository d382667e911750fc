import shutil
import stat
import subprocess
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from tenacity import retry, retry_if_result, stop_after_delay
from typer.testing import CliRunner

from citywx.cli import app
from citywx.local_stack.postgres import PostgresMissingError
from citywx.warehouse import backup
from citywx.warehouse.backup import BackupError, back_up, restore, without_password
from citywx.warehouse.database import current_revision, downgrade, is_migrated, migrate
from citywx.warehouse.statistics import update_statistics
from tests.support.pipeline_rows import fill_pipeline
from tests.support.postgres import PostgresServer
from tests.support.table_contents import hashes
from tests.support.warehouse_rows import add_dirty_day, add_hours
from tests.support.weather_rows import NOW, fill

pytestmark = pytest.mark.integration


@pytest.fixture
def full(engine: Engine) -> Engine:
    """A database with rows in most of its tables, and names that try everything."""
    fill(engine, days=3)
    fill_pipeline(engine, NOW)
    with engine.begin() as connection:
        moments = add_hours(connection, "Bergen", date(2026, 3, 31), 48)
        update_statistics(connection, "Bergen", moments[0], moments[-1])
        add_dirty_day(connection, "Bergen", date(2026, 3, 31))
    return engine


@pytest.fixture
def empty(postgres_server: PostgresServer) -> Iterator[Engine]:
    name = postgres_server.create_database()
    engine = create_engine(make_url(postgres_server.url(name)).set(drivername="postgresql+psycopg"))
    yield engine
    engine.dispose()
    postgres_server.drop_database(name)


def test_a_restore_into_an_empty_database_gives_identical_tables(
    full: Engine, empty: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "warehouse.dump"
    back_up(full.url, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.dump"]
    restore(empty, file)
    with full.connect() as before, empty.connect() as after:
        assert hashes(after) == hashes(before)
        assert len(hashes(after)) > 25
        assert is_migrated(after)
    with empty.begin() as connection:  # the warehouse works on
        add_hours(connection, "Bergen", date(2026, 6, 1), 1)
        add_dirty_day(connection, "Bergen", date(2026, 6, 1))


@pytest.fixture
def reader(postgres_server: PostgresServer) -> Iterator[str]:
    """A role of ours; name it before the databases in which it gets rights."""
    with postgres_server.superuser() as connection:
        connection.execute("CREATE ROLE citywx_dashboard_ro")
        yield "citywx_dashboard_ro"
        connection.execute("DROP ROLE citywx_dashboard_ro")


@pytest.mark.parametrize("revision", ["0004", "0006"])
def test_a_backup_of_an_older_schema_is_restored_and_then_upgraded(
    full: Engine, reader: str, empty: Engine, tmp_path: Path, revision: str
) -> None:
    downgrade(full, revision)
    file = tmp_path / "warehouse.dump"
    back_up(full.url, file)
    restore(empty, file)
    public = text(
        "SELECT has_function_privilege('public', oid, 'EXECUTE') FROM pg_proc"
        " WHERE proname IN ('make_month', 'drop_months')"
    )
    with full.connect() as before, empty.connect() as after:
        assert current_revision(after) == revision
        assert hashes(after) == hashes(before)
        assert not any(after.execute(public).scalars())
    migrate(empty)
    may_read = text("SELECT has_table_privilege(:role, 'raw_readings', 'SELECT')")
    with empty.connect() as connection:
        assert is_migrated(connection)
        assert connection.scalar(may_read, {"role": reader})


def test_a_database_with_tables_is_never_restored_into(full: Engine, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.dump"
    back_up(full.url, file)
    with full.connect() as connection:
        before = hashes(connection)
    with pytest.raises(BackupError, match="is not empty"):
        restore(full, file)
    with full.connect() as connection:
        assert hashes(connection) == before


def test_a_file_that_is_no_backup_changes_nothing(empty: Engine, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.dump"
    with pytest.raises(BackupError, match="is not there"):
        restore(empty, file)
    file.write_bytes(b"PGDMP and no more")
    with pytest.raises(BackupError, match="pg_restore"):
        restore(empty, file)
    with empty.connect() as connection:
        assert hashes(connection) == {}


def test_half_a_backup_restores_nothing(full: Engine, empty: Engine, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.dump"
    back_up(full.url, file)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(BackupError):
        restore(empty, file)
    with empty.connect() as connection:
        assert hashes(connection) == {}


def test_a_failed_backup_leaves_the_one_before(full: Engine, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.dump"
    file.write_text("yesterday's")
    with pytest.raises(BackupError, match=r"pg_dump: .*password authentication failed") as error:
        back_up(full.url.set(password="wrong"), file)
    assert "wrong" not in str(error.value)
    assert file.read_text() == "yesterday's"
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.dump"]
    with pytest.raises(BackupError, match="cannot be written"):
        back_up(full.url, tmp_path / "nowhere" / "file")


def test_the_password_stands_in_no_argument(
    full: Engine, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with psycopg.connect(postgres_server.url(str(full.url.database))) as connection:
        connection.execute("LOCK TABLE cities")  # pg_dump waits for it, and can be looked at
        file = tmp_path / "warehouse.dump"
        dump = threading.Thread(target=back_up, args=(full.url, file), daemon=True)
        dump.start()
        shown = arguments_of("pg_dump")
    dump.join(30)
    assert f"--file={file}.partial" in shown
    assert "--dbname=postgresql://citywx@127.0.0.1" in shown
    assert postgres_server.password not in shown


def test_a_password_in_the_query_of_the_address_stands_in_no_argument_either() -> None:
    url = make_url("postgresql://host/db?user=ada&password=geheim&connect_timeout=3")
    assert without_password(url) == (
        "postgresql://host/db?connect_timeout=3&user=ada",
        "geheim",
    )
    with pytest.raises(BackupError, match="sslpassword") as error:
        without_password(make_url("postgresql://ada@host/db?sslpassword=geheim"))
    assert "geheim" not in str(error.value)


@retry(retry=retry_if_result(lambda found: not found), stop=stop_after_delay(20))
def arguments_of(program: str) -> str:
    """The arguments of the running processes of that name, as every user sees them."""
    command = ["ps", "-ww", "-C", program, "-o", "args="]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_without_the_programs_it_is_said_what_to_install(
    full: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> str:
        raise PostgresMissingError

    monkeypatch.setattr(backup, "binary", missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="postgresql-client"):
        back_up(full.url, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "pg_dump").symlink_to(shutil.which("true", path="/usr/bin:/bin") or "")
    back_up(full.url, tmp_path / "file")


def test_the_commands_say_what_they_did(
    full: Engine,
    postgres_server: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", postgres_server.url(str(full.url.database)))
    run = CliRunner().invoke
    assert '"revision": "' in run(app, ["db", "current", "--json"]).stdout
    assert "at revision" in run(app, ["db", "upgrade"]).stdout
    made = run(app, ["db", "backup", "warehouse.dump"])
    assert "wrote warehouse.dump" in made.stdout
    refused = run(app, ["db", "restore", "warehouse.dump"])
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert "is not empty" in refused.stderr
    assert run(app, ["db", "roles"]).exit_code == 1
    assert run(app, ["db", "downgrade", "0004"], input="n\n").exit_code == 1
    assert run(app, ["db", "downgrade", "9999", "--yes"]).exit_code == 2
    assert "at revision 0004" in run(app, ["db", "downgrade", "0004", "--yes"]).stdout
    assert "from 0004 to" in run(app, ["db", "upgrade"]).stdout


def test_restoring_makes_a_database_that_is_missing_where_the_user_may(
    full: Engine, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    file = tmp_path / "warehouse.dump"
    back_up(full.url, file)
    missing = create_engine(full.url.set(database="missing"))
    with pytest.raises(BackupError, match="cannot be made"):
        restore(missing, file)
    with postgres_server.superuser() as connection:
        connection.execute("ALTER ROLE citywx CREATEDB")
        try:
            restore(missing, file)
        finally:
            connection.execute("ALTER ROLE citywx NOCREATEDB")
    with full.connect() as before, missing.connect() as after:
        assert hashes(after) == hashes(before)
    missing.dispose()
    postgres_server.drop_database("missing")
