"""How much a value has changed over a time, for readings that come when they please."""

from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from math import sqrt

_SECONDS_PER_HOUR = 3600
_LARGEST_SHARE = 0.5
"""Of a change that goes one way, how much one step may have: more is a jump between two levels."""
_FEWEST_STEPS = 3
"""Of such a change; two may be a jump that a feed made in two parts."""


class Change:
    """The change of one value over `seconds`, on observations in ascending order."""

    __slots__ = ("_points", "seconds")

    def __init__(self, seconds: float) -> None:
        """Begin without a past."""
        self.seconds = seconds
        self._points: deque[tuple[float, float]] = deque()

    @property
    def points(self) -> list[tuple[float, float]]:
        """The observations that are still needed, as (POSIX seconds, value)."""
        return list(self._points)

    def resume(self, points: Iterable[tuple[float, float]]) -> None:
        """Take up what `points` gave."""
        self._points = deque(points)

    def add(self, at: float, value: float) -> float | None:
        """The change from the value `seconds` before `at`, interpolated between its neighbours.

        None where that one is not known: at the beginning, and where its neighbours lie farther
        apart than `seconds`.

        >>> change = Change(3600)
        >>> [change.add(at, value) for at, value in ((0, 20.0), (1800, 18.0), (5400, 15.0))]
        [None, None, -3.0]
        """
        points = self._points
        points.append((at, value))
        wanted = at - self.seconds
        while len(points) > 1 and points[1][0] <= wanted:
            points.popleft()
        before, first = points[0]
        if before > wanted:
            return None
        if before == wanted:
            return value - first
        after, second = points[1]
        if after - before > self.seconds:
            return None
        share = (wanted - before) / (after - before)
        return value - (first + share * (second - first))

    def is_even(self, largest_step: float) -> bool:
        """Whether the value went there step by step, not by a jump of the sensor or its feed.

        No step may be larger than `largest_step`, times √hours where its ends are more than an
        hour apart. A larger one counts all the same where several go, all the same way, and none
        is more than half of the whole: so go the worst storms.

        >>> storm, jump = Change(3 * 3600), Change(3 * 3600)
        >>> for hour, (fell, jumped) in enumerate(((0, 0), (4, 0), (9, 8), (13, 8))):
        ...     _ = storm.add(hour * 3600, 1000.0 - fell), jump.add(hour * 3600, 1000.0 - jumped)
        >>> storm.is_even(3), jump.is_even(3)
        (True, False)
        """
        steps = [
            (value - earlier, largest_step * sqrt(max(1.0, (at - before) / _SECONDS_PER_HOUR)))
            for (before, earlier), (at, value) in pairwise(self._points)
        ]
        if all(abs(step) <= most for step, most in steps):
            return True
        sizes = [step for step, _ in steps if step]
        one_way = min(sizes) > 0 or max(sizes) < 0
        if len(sizes) < _FEWEST_STEPS or not one_way:
            return False
        return max(map(abs, sizes)) <= _LARGEST_SHARE * abs(sum(sizes))
