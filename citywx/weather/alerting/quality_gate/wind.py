"""What is doubtful about a wind speed: range, climate, jumps upward, a stuck sensor."""

from math import sqrt

from citywx.weather.alerting.quality_gate.change import Last
from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.alerting.quality_gate.recent import RecentChanges
from citywx.weather.alerting.quality_gate.stuck import Run, wind_stuck
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.flags import QcFlag
from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.reading import Reading


class Wind(Memory):
    """One city's wind speeds."""

    __slots__ = ("_possible", "_recent", "_run")

    def __init__(self) -> None:
        self._run, self._possible, self._recent = Run(), Last(), RecentChanges()
        """All of them, the last in range, and how much these changed."""

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about a wind speed."""
        limits = against.limits
        if 0.0 <= value <= limits.strongest_wind_m_s:
            low, high = against.wind_ranges[reading.timestamp.month - 1]
            doubts.suspect(QcFlag.WIND_CLIMATE, where=not low <= value <= high)
            self._judge_change(reading, hours, value, against, doubts)
        else:
            doubts.fail(QcFlag.WIND_RANGE)
        run = self._run
        if run.move(hours, value) >= limits.wind_stuck_hours:
            doubts.suspect(QcFlag.WIND_STUCK, where=wind_stuck(run, limits))

    def _judge_change(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Lulls are real."""
        its, last = against.limits.wind_change, self._possible
        elapsed, rise = hours - last.hours, value - last.value
        size = abs(rise) / sqrt(elapsed) if elapsed <= LONGEST_STEP_HOURS else 0.0
        if size and rise >= its.least_spike:
            climate = against.usual("wind_speed", reading.timestamp)
            usual = self._recent.usual(int(hours), climate, its)
            doubts.suspect(QcFlag.WIND_SPIKE, where=size / usual > its.spike)
        self._recent.add(int(hours), size, its)
        last.set(hours, value)
