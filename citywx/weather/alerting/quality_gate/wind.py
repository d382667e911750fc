"""What is doubtful about a wind speed: range, climate, jumps upward, a stuck sensor."""

from math import nan, sqrt

from citywx.weather.alerting.quality_gate.change import Change, Last, Value
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

    __slots__ = ("_possible", "_recent", "_run", "_settled")

    def __init__(self) -> None:
        self._run, self._possible, self._recent = Run(), Last(), RecentChanges()
        """All of them, the last in range, and how much these changed."""
        self._settled = True
        """Whether the last of all is in range."""

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about a wind speed; quick where nothing can be."""
        run, limits = self._run, against.limits
        elapsed, rise = hours - run.hours, value - run.value
        low, high = against.wind.credible[reading.timestamp.month - 1]
        if (
            elapsed <= LONGEST_STEP_HOURS
            and self._settled
            and rise < against.wind.quiet
            and low <= value <= high
        ):
            self._recent.add(hours, abs(rise) / sqrt(elapsed), limits.wind_change)
        else:
            self._look_closer(Value(reading.timestamp, hours, value, nan), against, doubts)
        if run.move(hours, value) >= limits.wind_stuck_hours:
            doubts.suspect(QcFlag.WIND_STUCK, where=wind_stuck(run, limits))

    def _look_closer(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        if self._settled:
            self._possible.set(self._run.hours, self._run.value)
        incredible = against.norms.incredible("wind_speed", new.value, new.at)
        self._settled = 0.0 <= new.value <= against.limits.strongest_wind_m_s
        doubts.fail(QcFlag.WIND_RANGE, where=not self._settled)
        doubts.suspect(QcFlag.WIND_CLIMATE, where=incredible)
        if self._settled:
            self._judge_change(new, against, doubts)

    def _judge_change(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        """Lulls are real."""
        its, last = against.limits.wind_change, self._possible
        rise, elapsed = new.value - last.value, new.hours - last.hours
        usual = self._recent.usual(new.hours, against.usual("wind_speed", new.at), its)
        change = Change(new.hours, elapsed, last.value, new.value, rise, rise, usual)
        size = change.per_root_hour
        spike = rise >= its.least_spike and size / usual > its.spike
        doubts.suspect(QcFlag.WIND_SPIKE, where=spike)
        self._recent.add(new.hours, size, its)
        last.set(new.hours, new.value)
