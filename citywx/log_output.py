"""How processes write their log: one line an event, text or JSON, and never a secret.

Secrets are masked where lines are formatted, so that tracebacks and library messages are covered.
"""

import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr
from pythonjsonlogger.json import JsonFormatter

from citywx.settings import LogFormat, Settings

_MASK = "***"
_SHORTEST_SECRET = 4  # masking shorter strings would mangle ordinary words


class Redactor:
    """Masks the values of all secret settings, and the password inside URLs."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
        longest_first = sorted((s for s in known if len(s) >= _SHORTEST_SECRET), key=len)[::-1]
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @classmethod
    def of(cls, settings: Settings) -> "Redactor":
        """A redactor for every secret in the settings."""
        secrets = []
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if isinstance(value, SecretStr):
                text = value.get_secret_value()
                password = urlsplit(text).password if "://" in text else None
                secrets += [text, password, unquote(password)] if password else [text]
        return cls(secrets)

    def __call__(self, text: str) -> str:
        """The text with every secret masked."""
        return self._pattern.sub(_MASK, text)


class _TextFormatter(logging.Formatter):
    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._redact = redact

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - logging's name
        del datefmt
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


class _JsonFormatter(JsonFormatter):
    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s", timestamp=True)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def configure_logging(settings: Settings) -> None:
    """Send all log lines to stderr in the form that the settings ask for."""
    redact = Redactor.of(settings)
    as_json = settings.log_format is LogFormat.JSON
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(redact) if as_json else _TextFormatter(redact))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for noisy in ("urllib3", "watchdog", "alembic", "requests"):  # URLs, paths, one line a call
        logging.getLogger(noisy).setLevel(logging.WARNING)
