"""Mails in a folder of `.eml` files, for reading on the page Mail. Pure of Streamlit."""

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

MAX_FILES = 200
_MAX_BYTES = 1_000_000
_HEADERS = ("From", "To", "Subject", "Date")
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as people read it."""

    headers: dict[str, str]
    text: str
    html: str


def newest(folder: Path) -> list[Path]:
    """The newest mails of a folder, newest first; empty where there is no folder."""
    try:
        found = [(path.stat().st_mtime, path) for path in folder.rglob("*.eml")]
    except FileNotFoundError:
        return []
    return [path for _, path in sorted(found, reverse=True)[:MAX_FILES]]


def label(path: Path) -> str:
    """How a mail stands in the list: time, recipient and subject."""
    mail = read(path)
    if mail is None:
        return path.name
    return " · ".join(mail.headers.get(name, "–") for name in ("Date", "To", "Subject"))


def read(path: Path) -> Mail | None:
    """The mail in a file; None for what is none, is too large or has gone."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return None
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    except OSError:
        return None
    headers = {name: str(message[name]) for name in _HEADERS if message[name]}
    return Mail(headers, _part(message, "plain"), _part(message, "html")) if headers else None


def document(html: str) -> str:
    """The HTML part with a policy before it: no script, nothing from another host."""
    return f"<!doctype html>{_POLICY}{html}"


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    content = part.get_content()
    return content if isinstance(content, str) else ""
