"""Mails as files: where no SMTP_URL is set they are written into the home, for people to read."""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from citywx.mail.transport import Delivery, Outcome

_LARGEST_BYTES = 1_000_000


class FolderTransport:
    """Writes each message to a file of its own, whole or not at all, for the owner's eyes only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Every file is closed already."""

    def send(self, message: EmailMessage) -> Delivery:
        """Write the message; a full or unwritable disk raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        date = parsedate_to_datetime(message["Date"])
        digest = hashlib.sha256(message["Message-ID"].encode()).hexdigest()[:16]
        path = self._folder / f"{date:%Y%m%dT%H%M%SZ}-{digest}.eml"
        temporary = path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(message.as_bytes())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        return Delivery(Outcome.SENT, path.name)


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail in the folder, as a page shows it."""

    path: Path
    sender: str
    subject: str
    to: str
    date: datetime
    text: str
    html: str


def list_mails(folder: Path, *, limit: int = 50) -> list[StoredMail]:
    """The newest mails of a folder, newest first; none where the folder does not exist yet."""
    newest = sorted(folder.glob("*.eml"), key=lambda path: path.name, reverse=True)[:limit]
    return [mail for path in newest if (mail := read_mail(path)) is not None]


def read_mail(path: Path) -> StoredMail | None:
    """Read one file that FolderTransport wrote; None for another's, or one that has gone."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    message = message_from_bytes(content, _class=EmailMessage, policy=default)
    date = message["Date"]
    if date is None or date.datetime is None:
        return None
    return StoredMail(
        path=path,
        sender=str(message["From"]),
        subject=str(message["Subject"]),
        to=str(message["To"]),
        date=date.datetime,
        text=_body(message, "plain"),
        html=_body(message, "html"),
    )


def _body(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return "" if part is None else str(part.get_content()).replace("\r\n", "\n")
