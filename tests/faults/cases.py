"""What every case gets and gives."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

Figures = dict[str, object]
"""A row of the results."""


@dataclass(frozen=True)
class Options:
    """How long a case is to be, and its own settings."""

    quick: bool = False
    settings: Mapping[str, str] = field(default_factory=lambda: os.environ)
    seed: int = field(
        default_factory=lambda: int(os.environ.get("SEED", time.time_ns() % 1_000_000))
    )

    def number(self, name: str, full: float, quick: float) -> int:
        """A number of the case's: from its setting, else as long as the run is to be."""
        return int(self.settings.get(name, quick if self.quick else full))

    def words(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of words, separated by commas."""
        return tuple(self.settings.get(name, ",".join(default)).split(","))


def upper_bound(trials: int, confidence: float = 0.95) -> float:
    """The failure rate that so many trials without a failure exclude (Clopper–Pearson).

    >>> upper_bound(200)
    0.01487
    """
    return round(1.0 - float((1.0 - confidence) ** (1.0 / trials)), 5)
