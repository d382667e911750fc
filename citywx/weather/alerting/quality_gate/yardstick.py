"""What a city's readings are measured against: all limits, and what is usual there."""

from dataclasses import dataclass, field
from datetime import datetime

from citywx.weather.alerting.quality_gate.norms import CityNorms
from citywx.weather.quality.limits import Limits


@dataclass(frozen=True, slots=True)
class GateLimits:
    """Limits that only the gate has, with their units and sources."""

    impossible_temperature_step_k: float = 35.0
    """Within three hours. The most ever seen is 32.2 K in 27 minutes (Spearfish, South Dakota,
    22 January 1943; NWS)."""
    impossible_pressure_step_hpa: float = 60.0
    """Within three hours, at sea level: more than the eye of a typhoon."""
    level_accepted_after_hours: float = 3.0
    """A pressure that stays off its former level is believed from then on."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Of one city."""

    limits: Limits = field(default_factory=Limits)
    """Those of the batch layer."""
    gate: GateLimits = field(default_factory=GateLimits)
    norms: CityNorms = field(default_factory=CityNorms)

    def usual(self, measure: str, at: datetime) -> float:
        """The usual change per √hour of temperature, humidity or wind, in this month and hour."""
        its = self.limits.changes(measure)
        roughness = self.norms.roughness_at(measure, at)
        return max(its.usual if roughness is None else roughness, its.smallest_usual)
