"""What is doubtful about a relative humidity: range, rain in dry air, jumps, a stuck sensor."""

from math import nan, sqrt

from citywx.weather.advice import phenomena
from citywx.weather.alerting.quality_gate.change import Change, Last, Value, moistening_explained
from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.jumps import Jump, Jumps
from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.alerting.quality_gate.recent import RecentChanges
from citywx.weather.alerting.quality_gate.stuck import Run, Span, humidity_stuck
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.flags import QcFlag
from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.reading import Reading


class Humidity(Memory):
    """One city's humidities."""

    __slots__ = ("_jumps", "_possible", "_recent", "_run", "_span")

    def __init__(self) -> None:
        self._run, self._span = Run(), Span()
        """All of them, with the temperatures of the present run."""
        self._possible, self._recent, self._jumps = Last(), RecentChanges(), Jumps()
        """The last in range, with the temperature beside it."""

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about a humidity; quick where nothing can be."""
        limits, temperature = against.limits, reading.temperature_c
        beside = nan if temperature is None else temperature
        if limits.driest_percent <= value <= limits.wettest_percent:
            self._judge_change(Value(reading.timestamp, hours, value, beside), against, doubts)
        else:
            doubts.fail(QcFlag.HUMIDITY_RANGE)
        if value < limits.dry_air_percent:
            rain = "rain" in phenomena(reading.weather)
            doubts.suspect(QcFlag.RAIN_IN_DRY_AIR, where=rain)
        run, span = self._run, self._span
        lasted = run.move(hours, value, beside)
        if run.length == 1:
            span.begin(beside)
        else:
            span.widen(beside)
        if lasted >= limits.humidity_stuck_while_warming_hours:
            stuck = humidity_stuck(run, span, limits)
            doubts.suspect(QcFlag.HUMIDITY_STUCK, where=stuck)

    def _judge_change(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        its, last = against.limits.humidity_change, self._possible
        elapsed, rise = new.hours - last.hours, new.value - last.value
        warming = new.beside - last.beside
        unexplained = rise - moistening_explained(new.value, last.value, warming)
        if abs(rise) >= its.least_spike or not self._jumps.quiet:
            hour = int(new.hours)
            usual = self._recent.usual(hour, against.usual("humidity", new.at), its)
            change = Change(new.hours, elapsed, last.value, new.value, rise, unexplained, usual)
            jump = self._jumps.judge(change, its, against.limits.step_accepted_after_hours)
            doubts.suspect(QcFlag.HUMIDITY_STEP, where=jump is Jump.STEP)
            doubts.suspect(QcFlag.HUMIDITY_SPIKE, where=jump is Jump.SPIKE)
        near = elapsed <= LONGEST_STEP_HOURS
        self._recent.add(int(new.hours), abs(unexplained) / sqrt(elapsed) if near else 0.0, its)
        last.set(new.hours, new.value, new.beside)
