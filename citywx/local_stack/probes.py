"""One question to one server: does it do its work now? Each answers with None, or why not."""

import http.client
import json
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

_SECONDS = 3.0
_LOCATION_QUERY = (
    "{ workspaceOrError { __typename ... on Workspace { locationEntries "
    "{ name loadStatus locationOrLoadError { __typename } } } } }"
)


def database_problem(url: str) -> str | None:
    """Whether PostgreSQL answers a query."""
    try:
        with psycopg.connect(url, connect_timeout=int(_SECONDS)) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        return str(error).strip().splitlines()[0]
    return None


def broker_problem(url: str, ca_file: str | None = None) -> str | None:
    """Whether the broker accepts our user: one CONNECT of MQTT 3.1.1, which every broker knows."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    tls = parts.scheme == "mqtts"
    address = (parts.hostname or "127.0.0.1", parts.port or (8883 if tls else 1883))
    try:
        with ExitStack() as cleanup:
            connection = cleanup.enter_context(socket.create_connection(address, timeout=_SECONDS))
            if tls:
                context = ssl.create_default_context(cafile=ca_file)
                connection = context.wrap_socket(connection, server_hostname=address[0])
                cleanup.enter_context(connection)
            connection.sendall(_mqtt_connect(user, password))
            answer = connection.recv(4)
            connection.sendall(b"\xe0\x00")  # DISCONNECT
    except OSError as error:
        return error.strerror or str(error)
    if len(answer) == 4 and answer[0] == 0x20:  # noqa: PLR2004 - a CONNACK, of four bytes
        return None if answer[3] == 0 else f"refuses our user (code {answer[3]})"
    return "no MQTT broker answers there"


def process_problem(run_file: Path) -> str | None:
    """Whether a streaming process says of itself that it makes progress."""
    try:
        port = int(json.loads(run_file.read_text("utf-8"))["metrics_port"])
    except (OSError, ValueError, KeyError, TypeError):
        return "starting"
    status, body = _ask("127.0.0.1", port, "GET", "/healthz")
    if not isinstance(body, dict) or body.get("process") != run_file.stem:
        return "does not answer"
    detail = str(body.get("detail", ""))
    if status == http.client.OK:
        return "starting" if detail == "starting" else None
    return detail or "does not answer"


def dashboard_problem(url: str) -> str | None:
    """Whether the dashboard's own health route answers (any other path gives 200, too)."""
    parts = urlsplit(url)
    status, body = _ask(parts.hostname or "", parts.port or 80, "GET", "/healthz")
    if status == http.client.OK and body is not None:
        return None
    return "does not answer" if status is None else f"/healthz says {status}"


def dagster_problem(url: str) -> str | None:
    """Whether the webserver answers and has loaded the code location."""
    parts = urlsplit(url)
    query = json.dumps({"query": _LOCATION_QUERY})
    status, body = _ask(parts.hostname or "", parts.port or 80, "POST", "/graphql", query)
    if status != http.client.OK or not isinstance(body, dict):
        return "does not answer"
    try:
        entries = body["data"]["workspaceOrError"]["locationEntries"]
    except (KeyError, TypeError):
        return "its workspace cannot be read"
    return next(filter(None, map(_location_problem, entries)), None if entries else "has no assets")


def _location_problem(entry: dict[str, Any]) -> str | None:
    if entry["loadStatus"] != "LOADED":
        return "loading the assets"
    location = entry["locationOrLoadError"] or {}
    if location.get("__typename") != "RepositoryLocation":
        return "the assets cannot be loaded: see the log of dagster-code"
    return None


def _ask(host: str, port: int, method: str, path: str, body: str | None = None) -> tuple[Any, Any]:
    """The answer's status and its JSON; (None, None) without an answer, None for other bodies."""
    connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException):
        return None, None
    finally:
        connection.close()
    try:
        return response.status, json.loads(text)
    except ValueError:
        return response.status, None


def _mqtt_connect(user: str, password: str) -> bytes:
    """A CONNECT packet: clean session, keep-alive 10 s, client id chosen by the broker."""
    flags = 0x02 | (0xC0 if user else 0)
    credentials = _mqtt_text(user) + _mqtt_text(password) if user else b""
    rest = _mqtt_text("MQTT") + bytes((4, flags, 0, 10)) + _mqtt_text("") + credentials
    length, encoded = len(rest), bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return b"\x10" + bytes(encoded) + rest


def _mqtt_text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data
