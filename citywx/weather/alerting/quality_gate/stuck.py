"""Stuck sensors, one reading after another: a value repeats for longer than real weather lets it.

The tests are those of `citywx.weather.quality.persistence`, from the reading on that makes a run
too long. Fog that outlasts a warm day is left to the batch layer.
"""

from math import inf, nan

from citywx.weather.alerting.quality_gate.memory import Memory, Parts, fields_of, number
from citywx.weather.quality.flags import QcFlag
from citywx.weather.quality.limits import LONGEST_STEP_HOURS, Limits

Measures = tuple[float | None, ...]
"""Temperature, humidity, pressure and wind speed of one reading."""


class Run(Memory):
    """The present run of equal values of one measure."""

    __slots__ = ("before", "hours", "length", "since", "value")

    def __init__(self) -> None:
        self.value, self.hours, self.since, self.length = nan, -inf, -inf, 0
        self.before = nan
        """The value of the run before."""

    def lasts(self, hours: float, value: float, fewest: int) -> float:
        """How long the value has repeated, hours; 0 where it has too seldom for a verdict."""
        if value != self.value or hours - self.hours > LONGEST_STEP_HOURS:
            self.before = self.value
            self.value, self.hours, self.since, self.length = value, hours, hours, 1
            return 0.0
        self.hours = hours
        self.length += 1
        return hours - self.since if self.length >= fewest else 0.0


class Span(Memory):
    """The least and the greatest temperature during a run of humidity."""

    __slots__ = ("greatest", "least")

    def __init__(self) -> None:
        self.least, self.greatest = inf, -inf

    def widen(self, value: float, *, anew: bool) -> None:
        """One more temperature; not a number where it is not known."""
        if anew:
            self.least, self.greatest = inf, -inf
        self.least = min(self.least, value)
        self.greatest = max(self.greatest, value)


class Report:
    """The present run of reports in which nothing changed, nor went missing."""

    __slots__ = ("_hours", "_length", "_measures", "_since")

    def __init__(self) -> None:
        self._measures: Measures = ()
        self._hours, self._since, self._length = -inf, -inf, 0

    def lasts(self, hours: float, measures: Measures, fewest: int) -> float:
        """How long the report has repeated, hours; 0 where it has too seldom for a verdict."""
        new = measures != self._measures or hours - self._hours > LONGEST_STEP_HOURS
        self._measures, self._hours = measures, hours
        if new or measures.count(None) >= len(measures) - 1:
            self._since, self._length = hours, 1
            return 0.0
        self._length += 1
        return hours - self._since if self._length >= fewest else 0.0

    def dump(self) -> list[object]:
        """The last report, and since when it repeats."""
        times = [None, None] if self._hours == -inf else [self._hours, self._since]
        return [list(self._measures), *times, self._length]

    def restore(self, values: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        measures, hours, since, length = fields_of(values, 4)
        if hours is None:
            return
        known = fields_of(measures, 4)
        self._measures = tuple(None if value is None else number(value) for value in known)
        self._hours, self._since = number(hours), number(since)
        self._length = int(number(length))


class Stuck(Parts):
    """The runs of all measures of a city."""

    __slots__ = ("_humidity", "_pressure", "_report", "_span", "_temperature", "_wind")

    def __init__(self) -> None:
        self._temperature, self._humidity = Run(), Run()
        self._pressure, self._wind = Run(), Run()
        self._span, self._report = Span(), Report()

    def flags(self, hours: float, measures: Measures, limits: Limits) -> list[QcFlag]:
        """What is stuck from this reading on."""
        temperature, humidity, pressure, wind = measures
        fewest = limits.fewest_stuck
        found = []
        if temperature is not None:
            lasted = self._temperature.lasts(hours, temperature, fewest)
            if lasted >= limits.temperature_stuck_hours and self._temperature_stuck(lasted, limits):
                found.append(QcFlag.TEMPERATURE_STUCK)
        if humidity is not None and self._humidity_stuck(hours, humidity, temperature, limits):
            found.append(QcFlag.HUMIDITY_STUCK)
        if pressure is not None:
            lasted = self._pressure.lasts(hours, pressure, fewest)
            if lasted >= limits.pressure_stuck_hours:
                found.append(QcFlag.PRESSURE_STUCK)
        if wind is not None:
            lasted = self._wind.lasts(hours, wind, fewest)
            if lasted >= limits.wind_stuck_hours and wind > limits.calm_m_s:
                found.append(QcFlag.WIND_STUCK)
        if self._report.lasts(hours, measures, fewest) >= limits.all_stuck_hours:
            found.append(QcFlag.ALL_STUCK)
        return found

    def _temperature_stuck(self, lasted: float, limits: Limits) -> bool:
        """Longer where the sensor seems to give whole degrees only."""
        run = self._temperature
        whole = run.value % 1 == 0 and run.before % 1 == 0
        return not whole or lasted >= limits.whole_degrees_stuck_hours

    def _humidity_stuck(
        self, hours: float, value: float, temperature: float | None, limits: Limits
    ) -> bool:
        """Less long while the temperature moved; saturation may last."""
        run, span = self._humidity, self._span
        lasted = run.lasts(hours, value, limits.fewest_stuck)
        span.widen(nan if temperature is None else temperature, anew=run.length == 1)
        if lasted < limits.humidity_stuck_while_warming_hours:
            return False
        moved = span.greatest - span.least >= limits.warming_k
        return value < limits.saturation_percent and (
            moved or lasted >= limits.humidity_stuck_hours
        )
