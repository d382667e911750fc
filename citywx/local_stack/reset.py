"""Deletes a data home: `citywx reset`. Asking first is the command line's business."""

import shutil
from pathlib import Path

from citywx.home import Home, HomeError
from citywx.local_stack.leftovers import find_leftovers
from citywx.local_stack.stack_file import running_stack
from citywx.settings import Settings

_NOTES = ("current", "auto")
"""Files beside the homes that remember a choice, so that the next start is a first one again."""


def what_is_deleted(settings: Settings, home: Home) -> list[Path]:
    """The folder and files that a reset deletes; HomeError when it may not happen now.

    A staging log outside the home stays: it belongs to whoever put it there.
    """
    if not (home.path / "home.json").is_file():
        message = f"{home.path} is no data home: nothing to delete"
        raise HomeError(message)
    if running_stack(home) is not None or find_leftovers(home):
        message = f"{home.path} is running: stop it with `citywx down` first"
        raise HomeError(message)
    notes = (settings.data_dir / name for name in _NOTES)
    words = (home.name, home.kind.value)
    remembered = [
        note for note in notes if note.is_file() and note.read_text("utf-8").strip() in words
    ]
    return [home.path, *remembered]


def delete(paths: list[Path]) -> None:
    """Delete what `what_is_deleted` named."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
