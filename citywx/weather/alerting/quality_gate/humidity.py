"""What is doubtful about a relative humidity: range, rain in dry air, jumps, a stuck sensor."""

from math import isnan, nan, sqrt

from citywx.weather.advice import phenomena
from citywx.weather.alerting.quality_gate.change import MOISTENING_PER_K, Change, Last, Value
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

    __slots__ = ("_jumps", "_possible", "_recent", "_run", "_settled", "_span")

    def __init__(self) -> None:
        self._run, self._span = Run(), Span()
        """All of them with the temperature beside the last, and those of the present run."""
        self._possible, self._recent, self._jumps = Last(), RecentChanges(), Jumps()
        """The last in range."""
        self._settled = True
        """Whether that is the last of all, and nothing about it is doubted."""

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about a humidity; quick where nothing can be."""
        run, limits, quiet = self._run, against.limits, against.humidity.quiet
        temperature = reading.temperature_c
        beside = nan if temperature is None else temperature
        elapsed, rise = hours - run.hours, value - run.value
        if (
            elapsed <= LONGEST_STEP_HOURS
            and self._settled
            and -quiet < rise < quiet
            and limits.dry_air_percent <= value <= limits.wettest_percent
        ):
            explained = MOISTENING_PER_K * (value + run.value) * (beside - run.beside)
            unexplained = rise if isnan(explained) else rise - explained
            self._recent.add(hours, abs(unexplained) / sqrt(elapsed), limits.humidity_change)
        else:
            self._look_closer(Value(reading.timestamp, hours, value, beside), against, doubts)
            rain = value < limits.dry_air_percent and "rain" in phenomena(reading.weather)
            doubts.suspect(QcFlag.RAIN_IN_DRY_AIR, where=rain)
        if run.move(hours, value, beside) == 0:
            self._span.begin(beside)
        else:
            self._span.widen(beside)
            stuck = humidity_stuck(run, self._span, limits)
            doubts.suspect(QcFlag.HUMIDITY_STUCK, where=stuck)

    def _look_closer(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        limits, run = against.limits, self._run
        if self._settled:
            self._possible.set(run.hours, run.value, run.beside)
        possible = limits.driest_percent <= new.value <= limits.wettest_percent
        doubts.fail(QcFlag.HUMIDITY_RANGE, where=not possible)
        if possible:
            self._judge_change(new, against, doubts)
        self._settled = possible and self._jumps.quiet

    def _judge_change(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        its, last = against.limits.humidity_change, self._possible
        elapsed, rise = new.hours - last.hours, new.value - last.value
        explained = MOISTENING_PER_K * (new.value + last.value) * (new.beside - last.beside)
        unexplained = rise if isnan(explained) else rise - explained
        usual = self._recent.usual(new.hours, against.usual("humidity", new.at), its)
        change = Change(new.hours, elapsed, last.value, new.value, rise, unexplained, usual)
        jump = self._jumps.judge(change, its, against.limits.step_accepted_after_hours)
        doubts.suspect(QcFlag.HUMIDITY_STEP, where=jump is Jump.STEP)
        doubts.suspect(QcFlag.HUMIDITY_SPIKE, where=jump is Jump.SPIKE)
        self._recent.add(new.hours, change.per_root_hour, its)
        last.set(new.hours, new.value, new.beside)
