"""What is usual in one city, by month and hour (UTC), as far as the gate is told.

Made of what `citywx.weather.climatology.Climatology.to_json` gives; standard library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ByMonth = Sequence[float | None]
ByMonthAndHour = Sequence[ByMonth]


@dataclass(frozen=True, slots=True)
class CityNorms:
    """What is usual; everything is credible where nothing is known."""

    low: Mapping[str, ByMonth] = field(default_factory=dict)
    """The least credible value of a measure, in its unit."""
    high: Mapping[str, ByMonth] = field(default_factory=dict)
    roughness: Mapping[str, ByMonthAndHour] = field(default_factory=dict)
    """The usual change of a measure per √hour."""
    trend: ByMonthAndHour = ()
    """The usual change of temperature, K an hour."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "CityNorms":
        """What a climatology's `to_json` gave."""
        return cls(stored["low"], stored["high"], stored["roughness"], stored["trend"])

    def incredible(self, measure: str, value: float, at: datetime) -> bool:
        """Outside what this city has in this month."""
        if measure not in self.low:
            return False
        low, high = self.low[measure][at.month - 1], self.high[measure][at.month - 1]
        return (low is not None and value < low) or (high is not None and value > high)

    def warming(self, at: datetime) -> float:
        """What temperature usually does at this hour, K an hour; 0 where that is not known."""
        return (self.trend[at.month - 1][at.hour] or 0.0) if self.trend else 0.0

    def roughness_at(self, measure: str, at: datetime) -> float | None:
        """The usual change of a measure per √hour."""
        known = self.roughness.get(measure)
        return known[at.month - 1][at.hour] if known else None
