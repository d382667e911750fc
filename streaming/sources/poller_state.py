"""What the poller remembers over a restart: calls made, last observations, filled-in history."""

import json
import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from citywx.call_budget import CallCounts
from citywx.home import write_private
from citywx.weather.reading import format_timestamp, parse_timestamp

_log = logging.getLogger(__name__)
_VERSION = 1


@dataclass(slots=True)
class PollerState:
    """The contents of `state/poller.json`."""

    path: Path
    calls: CallCounts = field(default_factory=CallCounts)
    polled: str | None = None
    """The service that is polled now."""
    last_observation: dict[str, dict[str, datetime]] = field(default_factory=dict)
    """By service and city."""
    filled: set[str] = field(default_factory=set)
    """Cities whose history the first start has filled in."""

    @classmethod
    def load(cls, path: Path) -> "PollerState":
        """What was saved; a damaged file costs repeated rows, which readers drop."""
        state = cls(path)
        try:
            body = json.loads(path.read_bytes())
            state.calls = CallCounts.from_json(body["calls"])
            state.last_observation = {
                str(service): {str(city): parse_timestamp(text) for city, text in cities.items()}
                for service, cities in body["last_observation"].items()
            }
            state.filled = {str(city) for city in body["filled"]}
        except FileNotFoundError:
            return state
        except (ValueError, KeyError, TypeError, AttributeError):
            _log.warning("%s is damaged: beginning anew", path)
            return cls(path)
        return state

    def save(self) -> None:
        """Write it, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        body = {
            "version": _VERSION,
            "calls": self.calls.to_json(),
            "polled": self.polled,
            "last_observation": {
                service: {city: format_timestamp(moment) for city, moment in cities.items()}
                for service, cities in self.last_observation.items()
            },
            "filled": sorted(self.filled),
        }
        write_private(self.path, json.dumps(body, ensure_ascii=False, indent=1) + "\n")
