"""Stuck sensors, one reading after another: a value repeats for longer than real weather lets it.

The tests are those of `citywx.weather.quality.persistence`, from the reading on that makes a run
too long. Fog that outlasts a warm day is left to the batch layer.
"""

from math import inf, nan

from citywx.weather.alerting.quality_gate.memory import Memory, fields_of, number
from citywx.weather.quality.limits import LONGEST_STEP_HOURS, Limits

Measures = tuple[float | None, ...]
"""Temperature, humidity, pressure and wind speed of one reading."""


class Run(Memory):
    """All values of one measure, doubtful or not, and how long the last has repeated."""

    __slots__ = ("before", "beside", "hours", "length", "since", "value")

    def __init__(self) -> None:
        self.hours, self.value, self.beside = -inf, nan, nan
        """The last, and what another measure was then."""
        self.since, self.length = -inf, 0
        """When the present run of equal values began, and how many it has."""
        self.before = nan
        """The value of the run before."""

    def move(self, hours: float, value: float, beside: float = nan) -> float:
        """One more value; for how many hours it has repeated."""
        if value != self.value or hours - self.hours > LONGEST_STEP_HOURS:
            self.before, self.value, self.since, self.length = self.value, value, hours, 1
        else:
            self.length += 1
        self.hours, self.beside = hours, beside
        return hours - self.since


class Span(Memory):
    """The least and the greatest temperature during a run of humidity."""

    __slots__ = ("greatest", "least")

    def __init__(self) -> None:
        self.least, self.greatest = inf, -inf

    def begin(self, value: float) -> None:
        """The first temperature; not a number where it is not known."""
        known = value == value  # noqa: PLR0124  # the quick way to ask whether it is a number
        self.least, self.greatest = (value, value) if known else (inf, -inf)

    def widen(self, value: float) -> None:
        """One more temperature."""
        self.least, self.greatest = min(self.least, value), max(self.greatest, value)


class Report:
    """The present run of reports in which nothing changed, nor went missing."""

    __slots__ = ("_hours", "_length", "_measures", "_since")

    def __init__(self) -> None:
        self._measures: Measures = ()
        self._hours, self._since, self._length = -inf, -inf, 0

    def stuck(self, hours: float, measures: Measures, limits: Limits) -> bool:
        """Whether this report has repeated for too long."""
        new = measures != self._measures or hours - self._hours > LONGEST_STEP_HOURS
        self._measures, self._hours = measures, hours
        if new or measures.count(None) >= len(measures) - 1:
            self._since, self._length = hours, 1
            return False
        self._length += 1
        return hours - self._since >= limits.all_stuck_hours and self._length >= limits.fewest_stuck

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


def temperature_stuck(run: Run, limits: Limits) -> bool:
    """Longer where the sensor seems to give whole degrees only."""
    whole = run.value % 1 == 0 and run.before % 1 == 0
    longest = limits.whole_degrees_stuck_hours if whole else limits.temperature_stuck_hours
    return _lasts(run, longest, limits)


def humidity_stuck(run: Run, span: Span, limits: Limits) -> bool:
    """Less long while the temperature moved; saturation may last."""
    moved = span.greatest - span.least >= limits.warming_k
    longest = limits.humidity_stuck_while_warming_hours if moved else limits.humidity_stuck_hours
    return run.value < limits.saturation_percent and _lasts(run, longest, limits)


def pressure_stuck(run: Run, limits: Limits) -> bool:
    """Longer than whole hPa are by chance."""
    return _lasts(run, limits.pressure_stuck_hours, limits)


def wind_stuck(run: Run, limits: Limits) -> bool:
    """Unchanged, and no calm."""
    return run.value > limits.calm_m_s and _lasts(run, limits.wind_stuck_hours, limits)


def _lasts(run: Run, longest: float, limits: Limits) -> bool:
    return run.hours - run.since >= longest and run.length >= limits.fewest_stuck
