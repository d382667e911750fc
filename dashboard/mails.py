"""How the page Mail shows a stored mail. Reading it belongs in `citywx.mail.folder`."""

from citywx.mail.folder import StoredMail

_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)


def label(mail: StoredMail) -> str:
    """How a mail stands in the list: time, recipient and subject."""
    return f"{mail.date:%Y-%m-%d %H:%M:%S} UTC · {mail.to} · {mail.subject}"


def document(html: str) -> str:
    """The HTML part with a policy before it: no script, nothing from another host."""
    return f"<!doctype html>{_POLICY}{html}"
