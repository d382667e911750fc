"""Which score is an alarm: the lowest that would have cost no more false alarms than are allowed.

A city's history is taken to be without faults, so every alarm in it is a false one; alarms less
than a day apart are one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

HOURS_PER_MONTH: Final = 30 * 24
_ONE_ALARM_HOURS: Final = 24
_SHARE_OF_ALARMS: Final = 0.1  # of all readings, at most


def count_alarms(hours: Places, alarming: NDArray[np.bool_]) -> int:
    """How many alarms: those less than a day apart are one.

    >>> count_alarms(np.array([0, 1, 20, 60]), np.array([True, True, True, True]))
    2
    """
    at = hours[alarming]
    return int(len(at) > 0) + int(np.sum(np.diff(at) > _ONE_ALARM_HOURS))


def lowest_threshold(hours: Places, scores: Floats, per_month: float) -> float:
    """The lowest score above which there are no more alarms a month than allowed."""
    months = (hours[-1] - hours[0]) / HOURS_PER_MONTH
    rare = np.sort(scores)[-max(int(len(scores) * _SHARE_OF_ALARMS), 1) :]
    candidates = np.unique(rare)
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if count_alarms(hours, scores > candidates[middle]) <= per_month * months:
            high = middle
        else:
            low = middle + 1
    return float(candidates[low])
