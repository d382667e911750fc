"""The first start fills in the last days, city by city, beside the live source.

A city counts as filled once its rows stand in the log. One that fails is tried again later; the
live readings do not wait for it.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from citywx.weather.city import City
from citywx.weather.reading import Reading
from streaming.sources.errors import SourceError
from streaming.sources.poller_state import PollerState
from streaming.sources.polling import BackOff
from streaming.sources.source import Source

_log = logging.getLogger(__name__)
_RETRY = BackOff(60, 3600)

History = Callable[[City, datetime], list[Reading]]
"""A city's readings of the last days, none of them in the future; may raise SourceError."""


class Backfill:
    """The history of all cities that have none yet, and then what the live source gives."""

    def __init__(
        self,
        live: Source,
        history: History,
        cities: Sequence[City],
        *,
        state: PollerState,
        now: datetime,
    ) -> None:
        """Fill in `cities`, except those that `state` says are filled."""
        self._live = live
        self._history = history
        self._state = state
        self._waiting = deque(city for city in cities if city.name not in state.filled)
        self._total = len(self._waiting)
        self._taken: City | None = None
        self._rows = 0
        self._failures = 0
        self._next_try = now
        self._live_turn = False

    @property
    def detail(self) -> str:
        """How far it is, or what the live source does."""
        if not self._waiting:
            return self._live.detail
        done = self._total - len(self._waiting)
        return f"history of {done} of {self._total} cities filled in; {self._live.detail}"

    def take(self, now: datetime) -> list[Reading]:
        """The history of the next city, and what the live source has, by turns."""
        self._live_turn = not self._live_turn
        if self._live_turn or not self._waiting or now < self._next_try:
            return self._live.take(now)
        return self._next_history(now)

    def written(self) -> None:
        """Note a city whose history is in the log now."""
        self._live.written()
        if self._taken is None:
            return
        self._state.filled.add(self._taken.name)
        self._state.save()
        self._taken = None
        self._waiting.popleft()
        done = self._total - len(self._waiting)
        _log.info("history of %d of %d cities filled in, %d rows", done, self._total, self._rows)

    def pause(self, now: datetime) -> float:
        """Seconds until there is something to do."""
        live = self._live.pause(now)
        if not self._waiting:
            return live
        return min(live, max((self._next_try - now).total_seconds(), 0.0))

    def _next_history(self, now: datetime) -> list[Reading]:
        city = self._waiting[0]
        try:
            readings = self._history(city, now)
        except SourceError as error:
            self._failures += 1
            wait = _RETRY.seconds(self._failures)
            self._next_try = now + timedelta(seconds=wait)
            _log.warning("no history of %s: %s; next try in %.0f s", city.name, error, wait)
            self._waiting.rotate(-1)
            return []
        self._failures = 0
        self._taken = city
        self._rows += len(readings)
        return readings
