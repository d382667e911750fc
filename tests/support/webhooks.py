"""A real HTTP server that receives notices, remembers them, and answers as it is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.ports import free_port


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """Before it answers."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was sent
        return json.loads(self.body)


@dataclass(slots=True)
class WebhookServer:
    """The server's memory, and its orders."""

    port: int
    received: list[Received] = field(default_factory=list)
    reply: Callable[[Received], Reply] = lambda _: Reply()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def taken(self) -> list[str]:
        """The ids of the deliveries that came, in their order."""
        return [one.headers["X-Citywx-Delivery"] for one in self.received]


@contextmanager
def receiving(port: int | None = None) -> Iterator[WebhookServer]:
    """A server on that port of 127.0.0.1, or on a free one."""
    memory = WebhookServer(port or free_port())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Received(self.path, dict(self.headers), self.rfile.read(length))
            memory.received.append(request)
            reply = memory.reply(request)
            time.sleep(reply.seconds)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815 - http.server's name; a redirect would lead here

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
            """Tests look at what was received."""

    server = ThreadingHTTPServer(("127.0.0.1", memory.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield memory
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    """A webhook that takes everything."""
    with receiving() as server:
        yield server
