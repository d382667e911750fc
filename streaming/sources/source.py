"""What the poller asks of every source of readings.

A source decides which readings are due and never touches the log; the poller writes them and then
says so. Only then may a source save that it is past them: readings may come twice, never get lost.
"""

from datetime import datetime
from typing import Protocol

from citywx.weather.reading import Reading


class Source(Protocol):
    """Where readings come from."""

    @property
    def detail(self) -> str:
        """What it is doing, for people."""

    def take(self, now: datetime) -> list[Reading]:
        """The readings that are due now, a bounded number; often none."""

    def written(self) -> None:
        """Note that what `take` returned last stands in the log."""

    def pause(self, now: datetime) -> float:
        """Seconds until more may be due."""
