"""How much one measure changed in the last day, kept by the hour: whatever the cadence, O(1)."""

from array import array

from citywx.weather.alerting.quality_gate.memory import fields_of, number
from citywx.weather.quality.limits import MOST_RECENT_CHANGE, PRIOR_READINGS, ChangeLimits

_THOUSANDTHS = 1000.0  # sums of whole numbers do not depend on their order
_HOURS = 25  # the hours of a day back, and the one that runs


class RecentChanges:
    """The mean change per √hour of the last 24 hours, to the hour."""

    __slots__ = ("_count", "_counts", "_newest", "_sums", "_total")

    def __init__(self) -> None:
        self._newest = -1
        self._sums, self._counts = array("l", bytes(8 * _HOURS)), array("l", bytes(8 * _HOURS))
        self._total = self._count = 0

    def add(self, hours: float, size: float, limits: ChangeLimits) -> None:
        """One more change."""
        if int(hours) != self._newest:
            self._advance(int(hours))
        capped = min(size, MOST_RECENT_CHANGE * limits.smallest_usual)
        thousandths = round(capped * _THOUSANDTHS)
        place = self._newest % _HOURS
        self._sums[place] += thousandths
        self._counts[place] += 1
        self._total += thousandths
        self._count += 1

    def usual(self, hours: float, climate: float, limits: ChangeLimits) -> float:
        """The geometric mean of the climate's usual change and the last day's."""
        if int(hours) != self._newest:
            self._advance(int(hours))
        total = self._total / _THOUSANDTHS + PRIOR_READINGS * climate
        recent = total / (self._count + PRIOR_READINGS)
        usual: float = (climate * max(recent, limits.smallest_usual)) ** 0.5
        return usual

    def dump(self) -> list[object]:
        """The hours' sums and counts."""
        return [self._newest, self._sums.tolist(), self._counts.tolist()]

    def restore(self, values: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        newest, sums, counts = fields_of(values, 3)
        self._newest = int(number(newest))
        for mine, stored in ((self._sums, sums), (self._counts, counts)):
            mine[:] = array("l", [int(number(one)) for one in fields_of(stored, _HOURS)])
        self._total, self._count = sum(self._sums), sum(self._counts)

    def _advance(self, hour: int) -> None:
        """Forget the hours that are a day old."""
        for stale in range(max(self._newest + 1, hour - _HOURS + 1), hour + 1):
            place = stale % _HOURS
            self._total -= self._sums[place]
            self._count -= self._counts[place]
            self._sums[place] = self._counts[place] = 0
        self._newest = hour
