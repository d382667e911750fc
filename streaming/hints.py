"""watchdog's events as hints that the log has changed: they wake a loop, and promise nothing.

Events are missed on bind mounts, network file systems and when the kernel's queue overflows, so
whoever is woken also looks by itself once a second.

On Linux the loop waits for watchdog's inotify descriptor itself (docs/decisions/bridge-loop.md);
elsewhere watchdog's observer threads wake it.
"""

import logging
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

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
    from watchdog.observers.inotify_c import Inotify

_log = logging.getLogger(__name__)
_DRAIN_BYTES = 4 * 1024  # nearly always one event


class Loop(Protocol):
    """What is woken: a loop that waits for descriptors."""

    def wake(self) -> None:
        """End the wait, from any thread."""

    def watch(self, descriptor: int) -> None:
        """End each wait while the descriptor can be read."""

    def unwatch(self, descriptor: int) -> None:
        """Watch it no longer."""


class LogHints(ABC):
    """Wakes a loop when something happens in the log's folder."""

    def __init__(self, readings_csv: Path, loop: Loop) -> None:
        self._path = readings_csv
        self._loop = loop
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
        if folder == self._folder and (self._refused or self._watching()):
            return
        self._folder, self._refused = folder, False
        try:
            self._watch()
        except OSError as error:  # the kernel's watches are used up, or the folder went away
            _log.warning("%s is not watched: %s; looking every second", self._path, error)
            self._refused = True

    @abstractmethod
    def drain(self) -> None:
        """Take note of the events that have woken the loop."""

    @abstractmethod
    def stop(self) -> None:
        """Watch nothing any more."""

    @abstractmethod
    def _watching(self) -> bool:
        """Whether what was begun still goes on."""

    @abstractmethod
    def _watch(self) -> None:
        """Watch the folder."""


def hints_for(readings_csv: Path, loop: Loop) -> LogHints:
    """The quickest hints that this system has."""
    kind = InotifyHints if sys.platform == "linux" else ObserverHints
    return kind(readings_csv, loop)


class InotifyHints(LogHints):
    """Lets the loop wait for the kernel's own events: no thread stands between."""

    def __init__(self, readings_csv: Path, loop: Loop) -> None:
        super().__init__(readings_csv, loop)
        self._inotify: Inotify | None = None

    def drain(self) -> None:
        """Read what the kernel has told; the log itself says what it meant."""
        if self._inotify is None:
            return
        try:
            while len(os.read(self._inotify.fd, _DRAIN_BYTES)) == _DRAIN_BYTES:
                pass
        except BlockingIOError:
            return

    def stop(self) -> None:
        """Watch nothing any more."""
        if self._inotify is not None:
            self._loop.unwatch(self._inotify.fd)
            self._inotify.close()
            self._inotify = None

    def _watching(self) -> bool:
        return self._inotify is not None

    def _watch(self) -> None:
        folder = os.fsencode(self._path.parent)
        if self._inotify is not None:
            self._inotify.add_watch(folder)  # another folder under the same name
            return
        # watchdog offers inotify on Linux alone.
        from watchdog.observers.inotify_c import Inotify, InotifyConstants  # noqa: PLC0415

        mask = (
            InotifyConstants.IN_MODIFY | InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
        )
        inotify = Inotify(folder, event_mask=mask)
        os.set_blocking(inotify.fd, False)
        self._inotify = inotify
        self._loop.watch(inotify.fd)


class ObserverHints(LogHints):
    """Lets watchdog's threads wake the loop, on every system that watchdog knows."""

    def __init__(
        self,
        readings_csv: Path,
        loop: Loop,
        new_observer: "Callable[[], BaseObserver]" = Observer,
    ) -> None:
        super().__init__(readings_csv, loop)
        self._new_observer = new_observer
        self._observer: BaseObserver | None = None

    def drain(self) -> None:
        """There is nothing to take note of: a wake says it all."""

    def stop(self) -> None:
        """End watchdog's threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None

    def _watching(self) -> bool:
        return self._observer is not None and self._observer.is_alive()

    def _watch(self) -> None:
        self.stop()
        observer = self._new_observer()
        observer.schedule(
            _Handler(self._path.name, self._loop.wake),
            str(self._path.parent),
            event_filter=[FileModifiedEvent, FileCreatedEvent, FileMovedEvent],
        )
        observer.start()
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
