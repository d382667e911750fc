"""How much one measure changed in the last day, kept by the hour: whatever the cadence, O(1)."""

from array import array

from citywx.weather.alerting.quality_gate.memory import fields_of, number
from citywx.weather.quality.limits import MOST_RECENT_CHANGE, PRIOR_READINGS, ChangeLimits

_HOURS = 25  # the hours of a day back, and the one that runs
_THOUSANDTHS = 1000.0  # sums of whole numbers do not depend on their order
_ONE = 1e10  # an hour's count and its sum of thousandths are one number: quicker to add to


class RecentChanges:
    """The mean change per √hour of the last 24 hours, to the hour."""

    __slots__ = ("_changes", "_newest")

    def __init__(self) -> None:
        self._newest = 0
        self._changes = array("d", bytes(8 * _HOURS))

    def add(self, hours: float, size: float, limits: ChangeLimits) -> None:
        """One more change, at this time."""
        hour = int(hours)
        most = MOST_RECENT_CHANGE * limits.smallest_usual
        one = _ONE + int(min(size, most) * _THOUSANDTHS + 0.5)
        if hour == self._newest:
            self._changes[hour % _HOURS] += one
            return
        if hour > self._newest + 1:
            self._forget(hour)
        self._newest = hour
        self._changes[hour % _HOURS] = one

    def usual(self, hours: float, climate: float, limits: ChangeLimits) -> float:
        """The geometric mean of the climate's usual change and the last day's."""
        hour = int(hours)
        if hour > self._newest:
            self._forget(hour)
            self._newest = hour
        count, thousandths = divmod(sum(self._changes), _ONE)
        total = thousandths / _THOUSANDTHS + PRIOR_READINGS * climate
        recent = total / (count + PRIOR_READINGS)
        usual: float = (climate * max(recent, limits.smallest_usual)) ** 0.5
        return usual

    def dump(self) -> list[object]:
        """The newest hour, and all of them."""
        return [self._newest, self._changes.tolist()]

    def restore(self, values: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        newest, hours = fields_of(values, 2)
        self._newest = int(number(newest))
        self._changes = array("d", [number(one) for one in fields_of(hours, _HOURS)])

    def _forget(self, hour: int) -> None:
        """What is a day old at this hour."""
        for stale in range(max(self._newest + 1, hour - _HOURS + 1), hour + 1):
            self._changes[stale % _HOURS] = 0
