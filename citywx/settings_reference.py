"""`.env.example` and `docs/settings.md`, written from the settings: `make docs`.

A test holds both files against what is made here.
"""

from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path

from citywx.settings import Settings

ENV_EXAMPLE = Path(".env.example")
TABLE = Path("docs/settings.md")

_ENV_HEAD = """\
# Every setting of citywx with its default. Copy what you change into a file named .env beside this
# one; the environment wins over it. An empty value means: not set.
"""
_TABLE_HEAD = """\
# Settings

Read from the environment, and from a file `.env` in the folder where citywx is started; the
environment wins. An unknown name in `.env` or a malformed value is one clear line and exit code 2.
Written from `citywx/settings.py` by `make docs`.

| name | default | meaning |
|---|---|---|
"""


def env_example() -> str:
    """The text of `.env.example`."""
    blocks = (f"\n# {meaning}\n# {name}={default}\n" for name, default, meaning in _settings())
    return _ENV_HEAD + "".join(blocks)


def table() -> str:
    """The text of `docs/settings.md`."""
    rows = (
        f"| `{name}` | {f'`{default}`' if default else ''} | {_cell(meaning)} |\n"
        for name, default, meaning in _settings()
    )
    return _TABLE_HEAD + "".join(rows)


def _settings() -> Iterator[tuple[str, str, str]]:
    for name, field in Settings.model_fields.items():
        yield name.upper(), _written(field.default), field.description or ""


def _written(default: object) -> str:
    """A default as one would write it in `.env`."""
    if isinstance(default, datetime):
        return default.date().isoformat()
    if isinstance(default, time):
        return default.isoformat("minutes")
    if isinstance(default, tuple):
        return "; ".join(map(str, default))
    if isinstance(default, float):
        return f"{default:g}"
    return "" if default is None else str(default)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    ENV_EXAMPLE.write_text(env_example(), "utf-8")
    TABLE.write_text(table(), "utf-8")
