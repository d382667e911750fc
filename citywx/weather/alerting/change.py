"""How much a value has changed over a time, for readings that come when they please."""

from collections import deque
from collections.abc import Iterable


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
