"""A real SMTP server for tests, that remembers what it got and answers as it is told."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller

from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 OK"


@dataclass(slots=True)
class SmtpServerForTests:
    """The server's memory, and its orders."""

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    connections: set[int] = field(default_factory=set)
    rcpt_answer: Callable[[str], str] = lambda _address: OK
    data_answer: Callable[[str], str] = lambda _address: OK
    hang_up_after_data: bool = False
    silent_after_data: bool = False

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, options
        answer = self.rcpt_answer(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        self.connections.add(id(session))
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        del session
        answer = self.data_answer(envelope.rcpt_tos[0])
        if answer.startswith("250"):
            content: Any = envelope.content
            self.messages.append(message_from_bytes(content, _class=EmailMessage, policy=default))
            self.recipients += envelope.rcpt_tos
        if self.hang_up_after_data and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        if self.silent_after_data:
            await asyncio.sleep(3600)  # until the client, or the test, ends
        return answer


@contextmanager
def running(**options: Any) -> Iterator[SmtpServerForTests]:  # noqa: ANN401 - aiosmtpd takes many
    """A server on a free port of 127.0.0.1, with more options of aiosmtpd's `SMTP`."""
    handler = SmtpServerForTests(free_port())
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port, **options)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


@pytest.fixture
def smtp_server() -> Iterator[SmtpServerForTests]:
    """A server without protection or login."""
    with running() as server:
        yield server
