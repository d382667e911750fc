"""Plain values for JSON: stamps in details, and checks of a state that is read back."""

import math
from array import array
from datetime import UTC, datetime
from typing import NoReturn

from citywx.weather.reading import format_timestamp


def stamp(seconds: float) -> str:
    """ISO 8601 in UTC of a Unix time.

    >>> stamp(0)
    '1970-01-01T00:00:00Z'
    """
    return format_timestamp(datetime.fromtimestamp(seconds, UTC))


def parts(state: object, length: int) -> list[object]:
    """A list of so many parts."""
    if not isinstance(state, list) or len(state) != length:
        _refuse(f"a list of {length}", state)
    return state


def by_city(state: object) -> dict[str, object]:
    """What is kept for each city."""
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        _refuse("cities with their states", state)
    return state


def cities(state: object) -> set[str]:
    """Names of cities."""
    if not isinstance(state, list) or not all(isinstance(one, str) for one in state):
        _refuse("a list of cities", state)
    return set(state)


def number(state: object) -> float:
    """A finite number."""
    if isinstance(state, bool) or not isinstance(state, int | float) or not math.isfinite(state):
        _refuse("a number", state)
    return float(state)


def numbers(state: object) -> "array[float]":
    """A list of finite numbers."""
    if not isinstance(state, list):
        _refuse("a list of numbers", state)
    return array("d", map(number, state))


def _refuse(wanted: str, state: object) -> NoReturn:
    message = f"the state of a pattern should hold {wanted}, not {str(state)[:40]!r}"
    raise ValueError(message)
