"""The limits of all tests: each named, with its unit and its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of all tests, with their units."""

    # World records −89.2 and 56.7 °C, 870 and 1085 hPa, 113 m/s, with a margin.
    coldest_c: float = -90.0
    hottest_c: float = 60.0
    driest_percent: float = 0.0
    wettest_percent: float = 100.0
    lowest_pressure_hpa: float = 850.0
    highest_pressure_hpa: float = 1090.0
    strongest_wind_m_s: float = 115.0

    longest_step: timedelta = timedelta(hours=3)
    """Values further apart are not compared."""

    evidence_hours: float = 1.0
    """Another source's value counts at most so far from its own time."""

    def hard_range(self, measure: str) -> tuple[float, float]:
        """The least and the greatest value of a measure that can be true at all."""
        return self.hard_ranges[measure]

    @property
    def hard_ranges(self) -> Mapping[str, tuple[float, float]]:
        """The same of all measures."""
        return {
            "temperature_c": (self.coldest_c, self.hottest_c),
            "humidity": (self.driest_percent, self.wettest_percent),
            "pressure": (self.lowest_pressure_hpa, self.highest_pressure_hpa),
            "wind_speed": (0.0, self.strongest_wind_m_s),
        }

    @property
    def reach(self) -> timedelta:
        """How far in time a reading can change the flags of another."""
        return 66 * _HOUR
