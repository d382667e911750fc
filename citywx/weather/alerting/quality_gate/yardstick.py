"""What a city's readings are measured against: all limits, and what is usual there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from citywx.weather.alerting.quality_gate.norms import CityNorms
from citywx.weather.quality.limits import LONGEST_STEP_HOURS, Limits
from citywx.weather.reading import MEASURES

_MONTHS = 12


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
    continued_share: float = 0.5
    """A step of pressure is no new level where the one before it went the same way, and at least
    this share as far: so fall the deepest storms, faster from hour to hour."""


@dataclass(frozen=True, slots=True)
class OfMeasure:
    """What one measure is held against, made ready for quick comparing."""

    credible: Sequence[tuple[float, float]]
    """For each month: the least and the greatest value that raises no flag."""
    quiet: float
    """Changes below it are looked at by no test of jumps, units or levels."""


class Yardstick:
    """Of one city."""

    __slots__ = (
        *("gate", "humidity", "limits", "mirrored_k", "norms", "pressure", "temperature"),
        *("trend_known", "wind"),
    )

    def __init__(self, limits: Limits, gate: GateLimits, norms: CityNorms) -> None:
        self.limits, self.gate, self.norms = limits, gate, norms
        self.temperature, self.humidity, self.pressure, self.wind = map(self._of, MEASURES)
        self.trend_known = bool(norms.trend)
        self.mirrored_k = limits.sign_continuity_k * sqrt(LONGEST_STEP_HOURS)
        """The sum, at most, of two temperatures of which one may lack its sign."""

    def usual(self, measure: str, at: datetime) -> float:
        """The usual change per √hour of temperature, humidity or wind, in this month and hour."""
        its = self.limits.changes(measure)
        roughness = self.norms.roughness_at(measure, at)
        return max(its.usual if roughness is None else roughness, its.smallest_usual)

    def _of(self, measure: str) -> OfMeasure:
        quiet = {
            "temperature_c": min(
                self.limits.temperature_change.least_spike,
                self.limits.unit_jump_k,
                self.gate.impossible_temperature_step_k,
            ),
            "humidity": self.limits.humidity_change.least_spike,
            "pressure": self.limits.least_pressure_jump_hpa,
            "wind_speed": self.limits.wind_change.least_spike,
        }
        return OfMeasure(self._credible(measure), quiet[measure])

    def _credible(self, measure: str) -> Sequence[tuple[float, float]]:
        """The hard range, where the month's is not narrower."""
        hard_low, hard_high = self.limits.hard_range(measure)
        unknown = [None] * _MONTHS
        lows = self.norms.low.get(measure, unknown)
        highs = self.norms.high.get(measure, unknown)
        return [
            (
                hard_low if low is None else max(low, hard_low),
                hard_high if high is None else min(high, hard_high),
            )
            for low, high in zip(lows, highs, strict=True)
        ]
