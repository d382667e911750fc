"""What is doubtful about a temperature: range, unit, sign, climate, jumps, a stuck sensor."""

from math import isnan, nan, sqrt

from citywx.weather.alerting.quality_gate.change import Change, Last, Value, warming_explained
from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.jumps import Jump, Jumps
from citywx.weather.alerting.quality_gate.levels import Level
from citywx.weather.alerting.quality_gate.memory import Memory
from citywx.weather.alerting.quality_gate.recent import RecentChanges
from citywx.weather.alerting.quality_gate.stuck import Run, temperature_stuck
from citywx.weather.alerting.quality_gate.units import Fahrenheit, SignDropped
from citywx.weather.alerting.quality_gate.yardstick import Yardstick
from citywx.weather.quality.flags import QcFlag
from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.reading import Reading


class Temperature(Memory):
    """One city's temperatures."""

    __slots__ = (
        *("_credible", "_fahrenheit", "_jumps", "_possible", "_recent", "_run", "_settled"),
        *("_sign", "_trusted"),
    )

    def __init__(self) -> None:
        self._run = Run()
        """All of them, with the humidity beside the last."""
        self._credible, self._trusted, self._possible = Last(), Last(), Level()
        """The last in range; the last that is in °C, with its sign; the last that was no
        impossible step."""
        self._fahrenheit, self._sign = Fahrenheit(), SignDropped()
        self._recent, self._jumps = RecentChanges(), Jumps()
        self._settled = True
        """Whether all of these are the last one, and nothing about it is doubted."""

    def judge(
        self, reading: Reading, hours: float, value: float, against: Yardstick, doubts: Doubts
    ) -> None:
        """Add what is doubtful about a temperature; quick where nothing can be."""
        at, humidity = reading.timestamp, reading.humidity
        run, quiet = self._run, against.temperature.quiet
        elapsed, rise = hours - run.hours, value - run.value
        unusual = rise
        if against.trend_known:
            unusual -= against.norms.warming(at) * elapsed
        low, high = against.temperature.credible[at.month - 1]
        beside = nan if humidity is None else humidity
        if (
            elapsed <= LONGEST_STEP_HOURS
            and self._settled
            and -quiet < unusual < quiet
            and -quiet < rise < quiet
            and not -against.mirrored_k <= value + run.value <= against.mirrored_k
            and low <= value <= high
        ):
            size = abs(unusual) / sqrt(elapsed)
            self._recent.add(hours, size, against.limits.temperature_change)
        else:
            self._look_closer(Value(at, hours, value, beside), against, doubts)
        if run.move(hours, value, beside) >= against.limits.temperature_stuck_hours:
            stuck = temperature_stuck(run, against.limits)
            doubts.suspect(QcFlag.TEMPERATURE_STUCK, where=stuck)

    def _look_closer(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        if self._settled:
            self._catch_up()
        limits = against.limits
        change = _change(self._run, new, against, against.usual("temperature_c", new.at))
        fahrenheit = self._fahrenheit.found(change, limits)
        signless = self._sign.found(change, limits)
        possible = limits.coldest_c <= new.value <= limits.hottest_c
        incredible = against.norms.incredible("temperature_c", new.value, new.at)
        doubts.fail(QcFlag.TEMPERATURE_RANGE, where=not possible)
        doubts.fail(QcFlag.TEMPERATURE_FAHRENHEIT, where=fahrenheit)
        doubts.suspect(QcFlag.TEMPERATURE_SIGN, where=signless)
        doubts.suspect(QcFlag.TEMPERATURE_CLIMATE, where=incredible)
        trusted = possible and not fahrenheit and not signless
        if trusted:
            self._judge_change(new, against, doubts)
        if possible:
            self._remember(new, against)
        self._settled = trusted and self._undoubted

    def _judge_change(self, new: Value, against: Yardstick, doubts: Doubts) -> None:
        limits, its = against.limits, against.limits.temperature_change
        usual = self._recent.usual(new.hours, against.usual("temperature_c", new.at), its)
        change = _change(self._trusted, new, against, usual)
        jump = self._jumps.judge(change, its, limits.step_accepted_after_hours)
        impossible = self._possible.left(
            new.hours,
            new.value,
            against.gate.impossible_temperature_step_k,
            limits.step_accepted_after_hours,
        )
        doubts.fail(QcFlag.TEMPERATURE_STEP, where=impossible)
        doubts.suspect(QcFlag.TEMPERATURE_STEP, where=jump is Jump.STEP and not impossible)
        doubts.suspect(QcFlag.TEMPERATURE_SPIKE, where=jump is Jump.SPIKE and not impossible)
        self._trusted.set(new.hours, new.value, new.beside)

    def _remember(self, new: Value, against: Yardstick) -> None:
        """Add how far it is from the last in range, trusted or not."""
        change = _change(self._credible, new, against, nan)
        size = abs(change.rise) / sqrt(change.elapsed) if change.near else 0.0
        self._recent.add(new.hours, size, against.limits.temperature_change)
        self._credible.set(new.hours, new.value)

    def _catch_up(self) -> None:
        run = self._run
        self._credible.set(run.hours, run.value)
        self._trusted.set(run.hours, run.value, run.beside)
        self._possible.believe(run.hours, run.value)

    @property
    def _undoubted(self) -> bool:
        """Whether nothing waits for later readings."""
        runs = (self._fahrenheit.since, self._sign.since, self._possible.off_since)
        return self._jumps.quiet and all(map(isnan, runs))


def _change(last: Last | Run, new: Value, against: Yardstick, usual: float) -> Change:
    """Less the usual of the hour; partly explained by humidity."""
    elapsed = new.hours - last.hours
    rise = new.value - last.value - against.norms.warming(new.at) * elapsed
    unexplained = rise - warming_explained(new.beside, last.beside)
    return Change(new.hours, elapsed, last.value, new.value, rise, unexplained, usual)
