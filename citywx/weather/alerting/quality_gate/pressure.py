"""What is doubtful about a pressure: range, unit, climate, its level, a stuck sensor."""

from math import sqrt

from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.levels import Level
from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.alerting.quality_gate.stuck import Run, pressure_stuck
from citywx.weather.alerting.quality_gate.units import pressure_unit
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.flags import QcFlag
from citywx.weather.quality.limits import Limits
from citywx.weather.reading import Reading


class Pressure(Memory):
    """One city's pressures."""

    __slots__ = ("_level", "_possible", "_run")

    def __init__(self) -> None:
        self._run, self._level, self._possible = Run(), Level(), Level()
        """All of them; the level that is believed; the last that was no impossible step."""

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about a pressure."""
        limits = against.limits
        if limits.lowest_pressure_hpa <= value <= limits.highest_pressure_hpa:
            low, high = against.pressure_ranges[reading.timestamp.month - 1]
            doubts.suspect(QcFlag.PRESSURE_CLIMATE, where=not low <= value <= high)
            self._judge_level(hours, value, against, doubts)
        else:
            doubts.fail(QcFlag.PRESSURE_RANGE)
            doubts.fail(QcFlag.PRESSURE_UNIT, where=pressure_unit(value, limits))
        run = self._run
        if run.move(hours, value) >= limits.pressure_stuck_hours:
            doubts.suspect(QcFlag.PRESSURE_STUCK, where=pressure_stuck(run, limits))

    def _judge_level(self, hours: float, value: float, against: Yardstick, doubts: Doubts) -> None:
        limits, gate, level = against.limits, against.gate, self._level
        reach = pressure_reach(hours - level.hours, limits)
        off = level.left(hours, value, reach, gate.level_accepted_after_hours)
        impossible = self._possible.left(
            hours, value, gate.impossible_pressure_step_hpa, limits.step_accepted_after_hours
        )
        doubts.fail(QcFlag.PRESSURE_STEP, where=impossible)
        doubts.suspect(QcFlag.PRESSURE_LEVEL, where=off and not impossible)


def pressure_reach(elapsed: float, limits: Limits) -> float:
    """How far pressure goes in so many hours, hPa; further is another level."""
    return max(limits.pressure_jump_hpa * sqrt(elapsed), limits.least_pressure_jump_hpa)
