"""How long to wait so that calls stay within a service's limits a minute, an hour and a day.

The limits are per address, so part of each is left to the poller. What was called is kept in a
file: a backfill that is stopped and started again keeps to them too.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from citywx.home import write_private

_SHARE = 0.8
OPEN_METEO_LIMITS = (
    (timedelta(minutes=1), 600 * _SHARE),
    (timedelta(hours=1), 5_000 * _SHARE),
    (timedelta(days=1), 10_000 * _SHARE),
)
"""https://open-meteo.com/en/terms, less the poller's share."""
_LONGEST = OPEN_METEO_LIMITS[-1][0]


class Called(NamedTuple):
    """A request that was made."""

    at: datetime
    calls: float


def seconds_until_allowed(made: Sequence[Called], calls: float, now: datetime) -> float:
    """Seconds from `now` until a request that counts as so many calls is within all limits.

    `made` is in order of time.
    """
    return max(_wait(made, calls, now, span, limit) for span, limit in OPEN_METEO_LIMITS)


def _wait(
    made: Sequence[Called], calls: float, now: datetime, span: timedelta, limit: float
) -> float:
    recent = [call for call in made if call.at > now - span]
    over = sum(call.calls for call in recent) + calls - limit
    seconds = 0.0
    for call in recent:
        if over <= 0:
            break
        over -= call.calls
        seconds = (call.at + span - now).total_seconds()
    return seconds


class CallLog:
    """What was called in the last day."""

    def __init__(self, path: Path) -> None:
        """Take up what an earlier process has called."""
        self._path = path
        try:
            body = json.loads(path.read_bytes())
        except FileNotFoundError:
            body = []
        self.made = [Called(datetime.fromisoformat(at), calls) for at, calls in body]

    def add(self, at: datetime, calls: float) -> None:
        """Note a request."""
        self.made = [*_since(self.made, at - _LONGEST), Called(at, calls)]
        body = [(call.at.isoformat(), round(call.calls, 3)) for call in self.made]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_private(self._path, json.dumps(body) + "\n")


def _since(made: Iterable[Called], moment: datetime) -> list[Called]:
    return [call for call in made if call.at > moment]
