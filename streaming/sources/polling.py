"""Polling a weather service: which city is asked when, and what each failure changes.

| failure | then |
|---|---|
| key refused (401, 403) | all cities wait 10 minutes, then twice as long each time, to 2 hours |
| too many calls (429) | all wait at least a minute, twice as long each time, or as long as asked |
| place or request refused (404, 400) | that city waits 6 hours |
| unavailable, unreadable | that city waits 15 s, then twice as long, to POLL_SECONDS or 5 min |
| budget used up | all wait until it begins anew |
"""

import logging
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from prometheus_client import Counter

from citywx.call_budget import QUOTAS
from citywx.weather.city import City
from citywx.weather.reading import FUTURE_TOLERANCE, Reading, format_timestamp
from streaming.sources.errors import (
    CallLimitError,
    KeyRefusedError,
    RequestRefusedError,
    SourceError,
    UnreadableAnswerError,
)
from streaming.sources.poller_state import PollerState

_log = logging.getLogger(__name__)

POLLS_FAILED = Counter("citywx_polls_failed_total", "Polls without a reading.", ["source", "kind"])
CALLS_MADE = Counter("citywx_calls_total", "Calls of weather services.", ["source"])

_MINUTE = timedelta(minutes=1)
_JITTER = 0.2


class WeatherService(Protocol):
    """A service that can be asked for one city's present weather."""

    @property
    def name(self) -> str:
        """Its name, as the log's `source` and in QUOTAS."""

    def current(self, city: City) -> Reading:
        """The present weather; SourceError when there is none to be had."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Waiting times that double with each failure in a row, in seconds."""

    shortest: float
    longest: float

    def seconds(self, failures: int) -> float:
        """The wait after so many failures, from 1.

        >>> [BackOff(60, 200).seconds(n) for n in (1, 2, 3, 1000)]
        [60, 120, 200, 200]
        """
        return min(self.shortest * (1 << min(failures - 1, 30)), self.longest)


KEY_REFUSED = BackOff(600, 7200)
CALL_LIMIT = BackOff(60, 3600)
LONGEST_RETRY_AFTER = 6 * 3600.0
REFUSED_CITY_SECONDS = 6 * 3600.0
_FIRST_RETRY_SECONDS = 15.0
_LONGEST_RETRY_SECONDS = 300.0


@dataclass(slots=True)
class _Turn:
    """When a city is asked next."""

    city: City
    due: datetime
    failures: int = 0


class Polling:
    """Current readings of some cities from one service, one city at a time."""

    def __init__(
        self,
        service: WeatherService,
        cities: Sequence[City],
        *,
        poll_seconds: float,
        state: PollerState,
        now: datetime,
    ) -> None:
        """Ask for each city every `poll_seconds`, first at once."""
        self._service = service
        self._turns = [_Turn(city, now) for city in cities]
        self._every = timedelta(seconds=poll_seconds)
        self._retry = BackOff(
            min(_FIRST_RETRY_SECONDS, poll_seconds), min(_LONGEST_RETRY_SECONDS, poll_seconds)
        )
        self._state = state
        self._state.polled = service.name
        self._seen = state.last_observation.setdefault(service.name, {})
        self._held_until = now
        self._refusals = 0  # of the whole key, in a row
        self._recent: deque[datetime] = deque()
        self._changed = True
        self._random = random.Random()  # noqa: S311 - jitter, no secret

    @property
    def detail(self) -> str:
        """How its cities are."""
        failing = sum(turn.failures > 0 for turn in self._turns)
        note = f", {failing} of them failing" if failing else ""
        return f"polling {self._service.name} for {len(self._turns)} cities{note}"

    def take(self, now: datetime) -> list[Reading]:
        """The reading of the city whose turn it is, if it is new."""
        turn = min(self._turns, key=lambda turn: turn.due)
        if max(turn.due, self._free_at(now)) > now:
            return []
        self._changed = True
        try:
            reading = self._ask(turn.city, now)
        except SourceError as error:
            self._note_failure(turn, error, now)
            return []
        if turn.failures:
            _log.info("%s answers for %s again", self._service.name, turn.city.name)
        self._refusals = turn.failures = 0
        turn.due = _next_turn(turn.due, now, self._every)
        if reading.timestamp <= self._seen.get(turn.city.name, _earliest(reading)):
            return []
        self._seen[turn.city.name] = reading.timestamp
        return [reading]

    def written(self) -> None:
        """Save what was seen and the calls made, when anything changed."""
        if self._changed:
            self._state.save()
            self._changed = False

    def pause(self, now: datetime) -> float:
        """Seconds until the next city's turn."""
        due = min(turn.due for turn in self._turns)
        return max((max(due, self._free_at(now)) - now).total_seconds(), 0.0)

    def _ask(self, city: City, now: datetime) -> Reading:
        self._recent.append(now)
        self._state.calls.add(self._service.name, now)
        CALLS_MADE.labels(self._service.name).inc()
        reading = self._service.current(city)
        if reading.timestamp > now + FUTURE_TOLERANCE:
            message = f"observed in the future, at {format_timestamp(reading.timestamp)}"
            raise UnreadableAnswerError(message)
        return reading

    def _free_at(self, now: datetime) -> datetime:
        """When hold, budget and the calls of the last minute allow the next call."""
        name = self._service.name
        if self._held_until <= now and not self._state.calls.left(name, now):
            self._held_until = self._state.calls.next_allowance(name, now)
            _log.error(
                "the call budget of %s is used up: no calls until %s; poll less often "
                "(POLL_SECONDS) or fewer cities (CITIES)",
                name,
                format_timestamp(self._held_until),
            )
        while self._recent and self._recent[0] <= now - _MINUTE:
            self._recent.popleft()
        if len(self._recent) < QUOTAS[name].per_minute:
            return self._held_until
        return max(self._held_until, self._recent[0] + _MINUTE)

    def _note_failure(self, turn: _Turn, error: SourceError, now: datetime) -> None:
        POLLS_FAILED.labels(self._service.name, error.kind).inc()
        turn.failures += 1
        if isinstance(error, KeyRefusedError | CallLimitError):
            self._refusals += 1
            wait = self._hold_seconds(error)
            self._held_until = now + timedelta(seconds=wait)
            who = f"{self._service.name}, all cities"
        else:
            wait = self._city_seconds(turn, error)
            turn.due = now + timedelta(seconds=wait)
            who = f"{self._service.name}, {turn.city.name}"
        _log.warning("%s: %s: %s; next try in %.0f s", who, error.kind, error, wait)

    def _hold_seconds(self, error: KeyRefusedError | CallLimitError) -> float:
        if isinstance(error, KeyRefusedError):
            return KEY_REFUSED.seconds(self._refusals)
        wait = CALL_LIMIT.seconds(self._refusals)
        return max(wait, min(error.retry_after or 0.0, LONGEST_RETRY_AFTER))

    def _city_seconds(self, turn: _Turn, error: SourceError) -> float:
        if isinstance(error, RequestRefusedError):
            return REFUSED_CITY_SECONDS
        jitter = self._random.uniform(1 - _JITTER, 1 + _JITTER)
        return self._retry.seconds(turn.failures) * jitter


def _next_turn(due: datetime, now: datetime, every: timedelta) -> datetime:
    """The next multiple of `every` after `due` that lies ahead, so that polls do not drift."""
    return due + every * ((now - due) // every + 1)


def _earliest(reading: Reading) -> datetime:
    return reading.timestamp - timedelta(microseconds=1)
