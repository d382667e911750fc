"""Windows of recent values, city by city, kept once however many patterns look at them.

A window holds nothing older than its span, so that values on both sides of a gap are never
compared across more than that. A missing value changes nothing. Every pattern of a feed asks with
the same readings in the same order; a window takes up a reading once, when first asked.
"""

from bisect import bisect_left
from datetime import timedelta
from typing import NamedTuple

from citywx.weather.alerting.metrics import Value
from citywx.weather.alerting.patterns import plain
from citywx.weather.reading import Reading

Samples = tuple[list[float], list[float]]
"""Unix times in ascending order, and the values observed then."""


class Sample(NamedTuple):
    """One value of a window."""

    seconds: float
    """Unix time."""
    value: float


class Clock:
    """The Unix time of the newest reading: converting it is what a window would do most."""

    def __init__(self) -> None:
        self._reading: Reading | None = None
        self._seconds = 0.0

    def of(self, reading: Reading) -> float:
        """The Unix time of the observation."""
        if reading is not self._reading:
            self._reading = reading
            self._seconds = reading.timestamp.timestamp()
        return self._seconds


class Change:
    """How far a metric rose, or fell, to its newest value from the extreme of its window.

    Values that can no longer be the extreme are dropped: what is left ascends from the extreme on,
    and a new value costs the same whatever the cadence.
    """

    def __init__(self, metric: Value, clock: Clock, within: timedelta, *, rising: bool) -> None:
        self._metric = metric
        self._seconds = clock.of
        self._span = within.total_seconds()
        self._sign = 1.0 if rising else -1.0
        self._windows: dict[str, Samples] = {}
        self._reading: Reading | None = None
        self._change: float | None = None

    def of(self, reading: Reading) -> float | None:
        """The change up to this reading; 0 at the extreme, None where the value is missing."""
        if reading is not self._reading:
            self._reading = reading
            value = self._metric(reading)
            self._change = None if value is None else self._push(reading, self._sign * value)
        return self._change

    def origin(self, city: str) -> Sample:
        """The extreme from which the newest value has changed."""
        times, values = self._windows[city]
        return Sample(times[0], self._sign * values[0])

    def dump(self) -> dict[str, object]:
        """The windows as plain lists."""
        return _dump(self._windows)

    def restore(self, state: object) -> None:
        """Take up what `dump` gave."""
        self._windows = _restored(state)
        self._reading = None

    def _push(self, reading: Reading, value: float) -> float:
        now = self._seconds(reading)
        window = self._windows.get(reading.city)
        if window is None:
            self._windows[reading.city] = ([now], [value])
            return 0.0
        times, values = window
        if values[-1] < value:
            times.append(now)
            values.append(value)
        else:
            while len(values) > 1 and values[-2] >= value:
                del times[-1], values[-1]
            times[-1], values[-1] = now, value
        oldest = now - self._span
        while times[0] < oldest:
            del times[0], values[0]
        return value - values[0]


class History:
    """The values of a metric in its window."""

    def __init__(self, metric: Value, clock: Clock, within: timedelta) -> None:
        self._metric = metric
        self._seconds = clock.of
        self._span = within.total_seconds()
        self._windows: dict[str, Samples] = {}
        self._reading: Reading | None = None

    def of(self, reading: Reading) -> float | None:
        """The newest value, taken up."""
        value = self._metric(reading)
        if reading is not self._reading:
            self._reading = reading
            if value is not None:
                self._push(reading, value)
        return value

    def at(self, city: str, seconds: float) -> float | None:
        """What was observed at a moment of the window; None where nothing was."""
        times, values = self._windows.get(city, ((), ()))
        place = bisect_left(times, seconds)
        return values[place] if place < len(times) and times[place] == seconds else None

    def dump(self) -> dict[str, object]:
        """The windows as plain lists."""
        return _dump(self._windows)

    def restore(self, state: object) -> None:
        """Take up what `dump` gave."""
        self._windows = _restored(state)
        self._reading = None

    def _push(self, reading: Reading, value: float) -> None:
        now = self._seconds(reading)
        window = self._windows.get(reading.city)
        if window is None:
            self._windows[reading.city] = ([now], [value])
            return
        times, values = window
        times.append(now)
        values.append(value)
        oldest = now - self._span
        while times[0] < oldest:
            del times[0], values[0]


def _dump(windows: dict[str, Samples]) -> dict[str, object]:
    return {city: [*window] for city, window in windows.items()}


def _restored(state: object) -> dict[str, Samples]:
    return {city: _samples(one) for city, one in plain.by_city(state).items()}


def _samples(state: object) -> Samples:
    times, values = map(plain.numbers, plain.parts(state, 2))
    if not times or len(times) != len(values):
        message = "the state of a pattern should hold as many times as values"
        raise ValueError(message)
    return times, values
