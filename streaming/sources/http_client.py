"""JSON over HTTP from servers that may be slow, broken or hostile.

Every call ends within a fixed time and a stop is not waited for: it runs in a thread that is left
behind when it takes too long. Answers are bounded, redirects are not followed, and no address,
which may hold a key, gets into an error or a log line.
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import requests
import urllib3

from citywx.retry_after import parse_retry_after
from streaming.sources.errors import (
    SourceError,
    UnavailableError,
    UnreadableAnswerError,
    error_of_status,
)

Params = Mapping[str, str | int | float]

_CHUNK_BYTES = 64 * 1024
_LONGEST_EXPLANATION = 200
_LOOK_AT_STOP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take."""

    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    """Silence after which an answer is given up."""
    total_seconds: float = 20.0
    answer_bytes: int = 4 * 1024 * 1024


class HttpClient:
    """Gets JSON; made for one thread."""

    def __init__(self, stopping: threading.Event, limits: Limits | None = None) -> None:
        """Calls are given up as soon as `stopping` is set."""
        self._stopping = stopping
        self._limits = limits or Limits()
        self._session = _new_session()
        logging.getLogger("urllib3").setLevel(logging.ERROR)  # its lines hold addresses

    def get_json(self, url: str, params: Params) -> object:
        """The decoded answer of a GET; SourceError for everything else."""
        outcome: queue.SimpleQueue[object] = queue.SimpleQueue()
        session = self._session
        deadline = time.monotonic() + self._limits.total_seconds
        threading.Thread(
            target=lambda: outcome.put(self._attempt(session, url, params, deadline)),
            name="http call",
            daemon=True,
        ).start()
        while time.monotonic() < deadline and not self._stopping.is_set():
            try:
                answer = outcome.get(timeout=_LOOK_AT_STOP_SECONDS)
            except queue.Empty:
                continue
            if isinstance(answer, SourceError):
                raise answer
            return answer
        self._session = _new_session()  # the old one stays with the thread left behind
        stopped = self._stopping.is_set()
        message = "given up: stopping" if stopped else "no complete answer in time"
        raise UnavailableError(message)

    def _attempt(
        self, session: requests.Session, url: str, params: Params, deadline: float
    ) -> object:
        """The answer, or the error as a value, so that it carries no other one that holds a URL."""
        try:
            with session.get(
                url,
                params=dict(params),
                timeout=(self._limits.connect_seconds, self._limits.read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._read(response, deadline)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            return UnavailableError("timed out")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return UnavailableError(f"no connection ({type(error).__name__})")

    def _read(self, response: requests.Response, deadline: float) -> object:
        data = b""
        while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=False):
            data += chunk
            if len(data) > self._limits.answer_bytes:
                return UnreadableAnswerError("the answer is too large")
            if time.monotonic() > deadline:
                return UnavailableError("no complete answer in time")
        answer = _decode(data)
        if response.status_code == HTTPStatus.OK:
            return answer
        retry_after = parse_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
        error = error_of_status(response.status_code, _explanation(answer), retry_after)
        return error or answer


def _new_session() -> requests.Session:
    session = requests.Session()
    session.headers["Accept-Encoding"] = "identity"  # so that the size limit means what it says
    session.headers["User-Agent"] = "citywx"
    return session


def _decode(data: bytes) -> object:
    try:
        answer: object = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        looks_like = "HTML" if data.lstrip()[:1] == b"<" else "cut off or no JSON"
        return UnreadableAnswerError(f"the answer is {looks_like}")
    return answer


def _refuse_constant(name: str) -> float:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _explanation(answer: object) -> str:
    """What the service says about an error, on one line, cut short."""
    if not isinstance(answer, dict):
        return ""
    said = str(answer.get("message") or answer.get("reason") or "")
    return " ".join(said.split())[:_LONGEST_EXPLANATION]
