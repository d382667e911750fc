"""What every streaming process does alike: settings, logs, signals, health, metrics, exit codes.

A process is a function of a `Process`; it loops until `process.stopping`, calls `beat` whenever it
has made progress or found nothing to do, and may raise: that is logged, and the exit code 1 makes
its supervisor restart it.
"""

import gc
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from citywx.home import Home, HomeError, write_private
from citywx.log_output import configure_logging
from citywx.settings import USAGE_ERROR, Settings, load_or_exit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)
_STALE_SECONDS = 30.0


@dataclass(slots=True)
class Process:
    """A running streaming process, as its own code sees it."""

    name: str
    settings: Settings
    home: Home
    stopping: threading.Event = field(default_factory=threading.Event)
    stale_after: float = _STALE_SECONDS
    """Seconds without a beat after which /healthz answers 503."""
    detail: str = "starting"
    """What it is doing, for people; stands in /healthz."""
    _beaten: float = field(default_factory=time.monotonic)

    def beat(self, detail: str = "running") -> None:
        """Note progress, or that there was nothing to do."""
        self._beaten = time.monotonic()
        self.detail = detail

    def wait(self, seconds: float) -> bool:
        """Sleep, but not through a stop; True when the process should end."""
        return self.stopping.wait(seconds)

    @property
    def seconds_since_progress(self) -> float:
        """Age of the last beat."""
        return time.monotonic() - self._beaten

    @property
    def healthy(self) -> bool:
        """Whether it makes progress; not merely whether it is alive."""
        return self.seconds_since_progress < self.stale_after


def run(
    name: str,
    main: Callable[[Process], None],
    mistakes: tuple[type[Exception], ...] = (),
) -> None:
    """Run `main` as the process `name` until SIGTERM or SIGINT; ends with SystemExit.

    `mistakes` are the errors that only a person can mend: told in one line, exit code 2.
    """
    settings = load_or_exit()
    configure_logging(settings)
    try:
        home = Home.find(settings)
    except HomeError as error:
        _log.error("%s", error)
        raise SystemExit(USAGE_ERROR) from None
    process = Process(name, settings, home)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stopping.set())
    server = _serve(process)
    gc.freeze()  # what is loaded by now stays: a collection need not look at it, and is short
    _log.info("%s started", name)
    try:
        main(process)
    except mistakes as error:
        _log.error("%s", error)
        raise SystemExit(USAGE_ERROR) from None
    except Exception:  # noqa: BLE001 - logged, and the exit code tells the supervisor
        _log.exception("%s cannot go on", name)
        raise SystemExit(1) from None
    finally:
        server.shutdown()
    _log.info("%s stopped", name)
    raise SystemExit(0)


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - wsgiref's name
        """Write nothing: a scrape every few seconds is no event."""


def _serve(process: Process) -> WSGIServer:
    """Serve /metrics and /healthz; the port is announced in the home's run folder."""
    metrics = make_wsgi_app()

    def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/healthz":
            answer: Iterable[bytes] = metrics(environ, start_response)
            return answer
        status = "200 OK" if process.healthy else "503 Service Unavailable"
        start_response(status, [("Content-Type", "application/json")])
        body = {
            "process": process.name,
            "healthy": process.healthy,
            "detail": process.detail,
            "seconds_since_progress": round(process.seconds_since_progress, 1),
        }
        return [json.dumps(body).encode()]

    settings = process.settings
    server = make_server(
        settings.bind_address, settings.metrics_port, app, handler_class=_QuietHandler
    )
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    process.home.run.mkdir(parents=True, exist_ok=True)
    about = {"pid": os.getpid(), "metrics_port": server.server_port}
    write_private(process.home.run / f"{process.name}.json", json.dumps(about) + "\n")
    return server
