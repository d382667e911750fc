"""What patterns share that are fed the same readings in the same order, one reading after another.

Patterns that are fed otherwise, for instance with more patience for late rows, need another feed.
"""

from datetime import timedelta

from citywx.weather.alerting.metrics import METRICS, Value
from citywx.weather.alerting.patterns.places import Places
from citywx.weather.alerting.patterns.windows import Change, Clock, History
from citywx.weather.reading import MEASURES, Reading


class Feed:
    """Metrics, windows and places, each made once when first asked for."""

    def __init__(self, places: Places | None = None) -> None:
        """`places`: where the cities are, for patterns that look at cities near each other."""
        self.places = places or Places({})
        self.clock = Clock()
        self._metrics: dict[str, Value] = {}
        self._changes: dict[tuple[str, timedelta, bool], Change] = {}
        self._histories: dict[tuple[str, timedelta], History] = {}

    def metric(self, name: str) -> Value:
        """A metric that is computed once a reading."""
        if name in MEASURES:
            return METRICS[name].of
        return self._metrics.setdefault(name, _Once(METRICS[name].of).of)

    def change(self, metric: str, within: timedelta, *, rising: bool) -> Change:
        """The rise or fall of a metric within a window."""
        key = (metric, within, rising)
        if key not in self._changes:
            self._changes[key] = Change(self.metric(metric), self.clock, within, rising=rising)
        return self._changes[key]

    def history(self, metric: str, within: timedelta) -> History:
        """The values of a metric within a window."""
        key = (metric, within)
        if key not in self._histories:
            self._histories[key] = History(self.metric(metric), self.clock, within)
        return self._histories[key]


class _Once:
    """Remembers the value of the newest reading."""

    def __init__(self, value: Value) -> None:
        self._value = value
        self._reading: Reading | None = None
        self._newest: float | None = None

    def of(self, reading: Reading) -> float | None:
        if reading is not self._reading:
            self._newest = self._value(reading)
            self._reading = reading
        return self._newest
