"""watchdog's events as hints that the log has changed: they wake a loop, and promise nothing.

Events are missed on bind mounts, network file systems and when the kernel's queue overflows, so
whoever is woken also looks by itself once a second.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import (
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

_log = logging.getLogger(__name__)


class LogHints:
    """Calls `wake`, on watchdog's thread, when something happens to the log's file."""

    def __init__(
        self,
        readings_csv: Path,
        wake: Callable[[], None],
        new_observer: "Callable[[], BaseObserver]" = Observer,
    ) -> None:
        self._path = readings_csv
        self._wake = wake
        self._new_observer = new_observer
        self._observer: BaseObserver | None = None
        self._folder = (0, 0)
        self._refused = False

    def look_after(self) -> None:
        """Watch the log's folder if it is not watched yet, or is another folder now.

        A folder that could not be watched is left at that: watchdog keeps the descriptors of every
        attempt that fails.
        """
        try:
            about = self._path.parent.stat()
        except OSError:
            return  # it is not there yet; the next look finds it
        folder = (about.st_dev, about.st_ino)
        watched = self._observer is not None and self._observer.is_alive()
        if folder != self._folder or not (watched or self._refused):
            self._folder = folder
            self._watch()

    def stop(self) -> None:
        """End watchdog's threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def _watch(self) -> None:
        self.stop()
        self._refused = False
        observer = self._new_observer()
        try:
            observer.schedule(
                _Handler(self._path.name, self._wake),
                str(self._path.parent),
                event_filter=[FileModifiedEvent, FileCreatedEvent, FileMovedEvent],
            )
            observer.start()
        except OSError as error:  # the kernel's watches are used up, or the folder went away
            _log.warning("%s is not watched: %s; looking every second", self._path, error)
            self._refused = True
            return
        self._observer = observer


class _Handler(FileSystemEventHandler):
    def __init__(self, name: str, wake: Callable[[], None]) -> None:
        self._name = name
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in (event.src_path, event.dest_path):
            text = path.decode(errors="replace") if isinstance(path, bytes) else path
            if text.endswith(self._name):
                self._wake()
                return
