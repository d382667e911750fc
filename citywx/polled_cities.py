"""Which cities the poller reads, and which entries of CITIES it could not find.

The poller writes it on each start; `citywx up` and `citywx status` tell it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from citywx.home import Home, write_private


@dataclass(frozen=True, slots=True)
class PolledCities:
    """What became of CITIES."""

    names: tuple[str, ...] = ()
    """The cities that were found."""
    unresolved: tuple[str, ...] = ()
    """Entries that were not, as they stand in CITIES."""

    @classmethod
    def load(cls, home: Home) -> Self:
        """What the poller's last start wrote; nothing before the first."""
        try:
            body = json.loads(_path(home).read_bytes())
        except FileNotFoundError:
            return cls()
        return cls(tuple(body["names"]), tuple(body["unresolved"]))

    def save(self, home: Home) -> None:
        """Write it, whole or not at all."""
        home.state.mkdir(parents=True, exist_ok=True)
        write_private(_path(home), json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n")


def _path(home: Home) -> Path:
    return home.state / "polled_cities.json"
