"""Plain values: of details, for JSON and for people, and of a state that is read back."""

import math
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from citywx.weather.reading import format_timestamp

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def span(duration: timedelta) -> str:
    """A duration as `alerts.toml` says it.

    >>> span(timedelta(hours=1)), span(timedelta(minutes=90))
    ('1h', '90m')
    """
    seconds = round(duration.total_seconds())
    unit = next(unit for unit, length in _UNITS.items() if seconds % length == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


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


def rows(state: object, length: int) -> list[list[object]]:
    """A list of lists of so many parts."""
    return [parts(row, length) for row in several(state)]


def several(state: object) -> list[object]:
    """A list."""
    if not isinstance(state, list):
        _refuse("a list", state)
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


def numbers(state: object) -> list[float]:
    """A list of finite numbers."""
    if not isinstance(state, list):
        _refuse("a list of numbers", state)
    return [number(one) for one in state]


def whole(state: object, below: int) -> int:
    """A whole number from 0 on."""
    if isinstance(state, bool) or not isinstance(state, int) or not 0 <= state < below:
        _refuse(f"a whole number below {below}", state)
    return state


def numbers_by_city(state: object) -> dict[str, float]:
    """A number for each city."""
    return {city: number(one) for city, one in by_city(state).items()}


def text(state: object) -> str:
    """A text."""
    if not isinstance(state, str):
        _refuse("a text", state)
    return state


def _refuse(wanted: str, state: object) -> NoReturn:
    message = f"the state of a pattern should hold {wanted}, not {str(state)[:40]!r}"
    raise ValueError(message)
