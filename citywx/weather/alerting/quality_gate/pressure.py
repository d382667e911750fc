"""What is doubtful about a pressure: range, unit, climate, its level, a stuck sensor."""

from math import inf, isnan, nan, sqrt

from citywx.weather.alerting.quality_gate.change import Value
from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.levels import Level
from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.alerting.quality_gate.stuck import Run, pressure_stuck
from citywx.weather.alerting.quality_gate.units import pressure_unit
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.flags import QcFlag
from citywx.weather.quality.limits import LONGEST_STEP_HOURS, Limits
from citywx.weather.reading import Reading


class Pressure(Memory):
    """One city's pressures."""

    __slots__ = ("_level", "_possible", "_run", "_settled", "_step")

    def __init__(self) -> None:
        self._run, self._level, self._possible = Run(), Level(), Level()
        """All of them; the level that is believed; the last that was no impossible step."""
        self._settled = True
        """Whether all of these are the last one."""
        self._step = 0.0
        """To the last that was believed, from the one before it."""

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about a pressure; quick where nothing can be."""
        run, quiet = self._run, against.pressure.quiet
        rise = value - run.value
        low, high = against.pressure.credible[reading.timestamp.month - 1]
        if (
            self._settled
            and hours - run.hours <= LONGEST_STEP_HOURS
            and -quiet < rise < quiet
            and low <= value <= high
        ):
            self._step = rise
        else:
            self._look_closer(Value(reading.timestamp, hours, value, nan), against, doubts)
        if run.move(hours, value) >= against.limits.pressure_stuck_hours:
            stuck = pressure_stuck(run, against.limits)
            doubts.suspect(QcFlag.PRESSURE_STUCK, where=stuck)

    def _look_closer(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        limits, run = against.limits, self._run
        if self._settled:
            self._level.believe(run.hours, run.value)
            self._possible.believe(run.hours, run.value)
        self._settled = limits.lowest_pressure_hpa <= new.value <= limits.highest_pressure_hpa
        if self._settled:
            self._judge_level(new, against, doubts)
        else:
            doubts.fail(QcFlag.PRESSURE_RANGE)
            doubts.fail(QcFlag.PRESSURE_UNIT, where=pressure_unit(new.value, limits))
        incredible = against.norms.incredible("pressure", new.value, new.at)
        doubts.suspect(QcFlag.PRESSURE_CLIMATE, where=incredible)

    def _judge_level(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        limits, gate, level = against.limits, against.gate, self._level
        step = new.value - level.value
        left_at = new.hours if isnan(level.off_since) else level.off_since
        reach = pressure_reach(left_at - level.hours, limits)
        if step * self._step > 0 and abs(self._step) >= abs(step) * gate.continued_share:
            reach = inf
        off = level.left(new.hours, new.value, reach, gate.level_accepted_after_hours)
        impossible = self._possible.left(
            new.hours,
            new.value,
            gate.impossible_pressure_step_hpa,
            limits.step_accepted_after_hours,
        )
        if not off:
            self._step = 0.0 if isnan(step) else step
        doubts.fail(QcFlag.PRESSURE_STEP, where=impossible)
        doubts.suspect(QcFlag.PRESSURE_LEVEL, where=off and not impossible)
        self._settled = not off and not impossible


def pressure_reach(elapsed: float, limits: Limits) -> float:
    """How far pressure goes in so many hours, hPa; further is another level."""
    return max(limits.pressure_jump_hpa * sqrt(elapsed), limits.least_pressure_jump_hpa)
