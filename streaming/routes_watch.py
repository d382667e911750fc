"""The routes of the file as it is now; the last right ones while it is wrong."""

import logging
from pathlib import Path

from citywx.notices.routes import Routing
from citywx.notices.routes_file import RoutesError, load_routing
from citywx.settings import notice_secrets

_log = logging.getLogger(__name__)


class RoutesWatch:
    """Looks at the file whenever it is asked."""

    def __init__(self, path: Path) -> None:
        """Read it; RoutesError when it is wrong from the first."""
        self._path = path
        self._seen = self._stamp()
        self._routing = load_routing(path, notice_secrets())
        _log.info("%d routes from %s", len(self._routing.routes), path)

    def look(self) -> Routing:
        """The routes of the file; the last ones that were right, while it is wrong."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._routing = load_routing(self._path, notice_secrets())
            except RoutesError as error:
                _log.error("the routes stay as they were: %s", error)
            else:
                _log.info("now %d routes from %s", len(self._routing.routes), self._path)
        return self._routing

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
