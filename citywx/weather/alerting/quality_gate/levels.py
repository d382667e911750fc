"""Values that left the level they had: not believed until they stay there, or come back."""

from math import inf, isnan, nan

from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.quality.limits import LONGEST_STEP_HOURS


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
        self.believe(hours, value)
        return False

    def believe(self, hours: float, value: float) -> None:
        """This is the level."""
        self.hours, self.value, self.newest, self.off_since = hours, value, hours, nan
