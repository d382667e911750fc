"""A local HTTP server that plays weather services, well-behaved or not."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass
class Answer:
    """What the server says to one request."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip_seconds: float = 0.0
    """Pause after each byte."""

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> "Answer":
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(json.dumps(value).encode(), status, named)


@dataclass
class WeatherServer:
    """The server's address, its behaviour, and the requests it got."""

    url: str
    answer: Callable[[str, dict[str, str]], Answer] = lambda _path, _query: Answer()
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


def _handler(server: WeatherServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            server.requests.append((parts.path, query))
            answer = server.answer(parts.path, query)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self._send(answer)
            except OSError:
                return  # the client gave up, as some tests want

        def _send(self, answer: Answer) -> None:
            if not answer.drip_seconds:
                self.wfile.write(answer.body)
                return
            for byte in answer.body:
                self.wfile.write(bytes([byte]))
                if server.closing.wait(answer.drip_seconds):
                    return

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    return Handler


@contextmanager
def serve_weather() -> Iterator[WeatherServer]:
    """Run a server on a free port of the loopback interface."""
    server = WeatherServer("")
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.closing.set()
    http.shutdown()
    http.server_close()


@pytest.fixture
def weather_server() -> Iterator[WeatherServer]:
    with serve_weather() as server:
        yield server


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Look until `condition` holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("did not happen in time")
        time.sleep(0.02)
