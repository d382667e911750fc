"""Values that left the level they had: not believed until they stay there, or come back."""

from math import inf, isnan, nan, sqrt

from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.quality.limits import LONGEST_STEP_HOURS, Limits


class Level(Memory):
    """The last value of one measure that was believed, and since when others come."""

    __slots__ = ("hours", "newest", "off_since", "value")

    def __init__(self) -> None:
        self.hours, self.value = -inf, nan
        """The last that was believed."""
        self.newest, self.off_since = -inf, nan

    def left(self, hours: float, value: float, farthest: float, accepted_after: float) -> bool:
        """Whether a value is further than `farthest` from the one believed, and not accepted."""
        silent, self.newest = hours - self.newest, hours
        if abs(value - self.value) > farthest and silent <= LONGEST_STEP_HOURS:
            if isnan(self.off_since):
                self.off_since = hours
            if hours - self.off_since < accepted_after:
                return True
        self.hours, self.value, self.off_since = hours, value, nan
        return False


def pressure_reach(elapsed: float, limits: Limits) -> float:
    """How far pressure goes in so many hours, hPa; further is another level."""
    return max(limits.pressure_jump_hpa * sqrt(elapsed), limits.least_pressure_jump_hpa)
