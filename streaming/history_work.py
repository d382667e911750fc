"""What every backfill does alike: append in small paced batches, sync, note what is done.

A batch is small and the pace bounded, so that a live reading never waits long behind history: not
for its turn to be appended, and not in the bridge. A piece counts as done once its lines are on the
disk; one that was cut off is appended again, and its lines are duplicates, which loading drops.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from citywx.backfill import BackfillRequest, BackfillState
from citywx.settings import Settings
from citywx.staging.appender import Appender
from citywx.weather.reading import Reading

_BATCH_ROWS = 1_000
_ROWS_PER_SECOND = 10_000
"""Half of what the bridge carries, one message a reading."""


class StoppedError(Exception):
    """The backfill was asked to stop."""


class Screen:
    """A bar on a terminal, and lines that stay."""

    def __init__(self) -> None:
        """Draw on standard error."""
        self._console = Console(stderr=True, highlight=False)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} readings"),
            TimeRemainingColumn(),
        )
        self.progress = Progress(
            *columns, console=self._console, disable=not self._console.is_terminal
        )
        self._task = self.progress.add_task("backfill", total=None, rows=0)

    def say(self, line: str) -> None:
        """A line for people, above the bar."""
        self._console.print(line, markup=False, soft_wrap=True)

    def of(self, total: float) -> None:
        """How much there is to do."""
        self.progress.update(self._task, total=total)

    def show(self, what: str, *, advance: float = 0, rows: int) -> None:
        """What is being done, and that some of it is done."""
        self.progress.update(self._task, description=what, advance=advance, rows=rows)


@dataclass(slots=True)
class HistoryWork:
    """One backfill at work."""

    request: BackfillRequest
    settings: Settings
    log: Appender
    state: BackfillState
    screen: Screen
    stopping: threading.Event = field(default_factory=threading.Event)
    appended: int = 0
    """Readings, in this process."""

    def append(self, readings: Sequence[Reading]) -> None:
        """Append readings at a bounded pace; StoppedError in between."""
        for start in range(0, len(readings), _BATCH_ROWS):
            batch = readings[start : start + _BATCH_ROWS]
            self.log.append(batch)
            self.appended += len(batch)
            self.wait(len(batch) / _ROWS_PER_SECOND)

    def done(self, piece: str, value: int) -> None:
        """Note that a piece, or a file up to a line, is in the log for good."""
        self.log.sync()
        self.state.save(piece, value)

    def wait(self, seconds: float) -> None:
        """Sleep, but not through a stop."""
        if self.stopping.wait(seconds):
            raise StoppedError
