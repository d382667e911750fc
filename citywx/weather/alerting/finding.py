"""What a condition says of one city at one moment, and what every condition can do.

Conditions only look at the weather. When an alert begins, escalates and ends belongs in `life`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from citywx.weather.reading import Reading


class Later(Mapping[str, object]):
    """Details that are put together when somebody reads them.

    A condition may hold for days of readings, and only few of them become events.
    """

    __slots__ = ("_known", "_make")

    def __init__(self, make: Callable[[], Mapping[str, object]]) -> None:
        """`make`: from values that do not change any more."""
        self._make = make
        self._known: Mapping[str, object] | None = None

    def _all(self) -> Mapping[str, object]:
        if self._known is None:
            self._known = self._make()
        return self._known

    def __getitem__(self, name: str) -> object:
        """One detail."""
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(self._all())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all())


@dataclass(frozen=True, slots=True)
class Finding:
    """What a condition says of one city at one moment."""

    city: str
    observed_at: datetime
    level: int
    """0: it does not hold; 1 to n: how high in the ladder of severities."""
    value: float | None = None
    """In the metric's unit: what is compared, shown, and kept as the peak."""
    limit: float | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    """Fit for JSON; for instance expected and observed values, or cities in their order."""


class Detector(Protocol):
    """A condition with a memory of its own.

    Readings of one city come in strictly ascending order of observation; values that failed
    quality control are None.
    """

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding for each city where the condition holds or has just ceased to; mostly none."""
        ...

    def dump(self) -> object:
        """The memory as plain lists for JSON."""
        ...

    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        ...
