"""Readings, lines and durations as text for a terminal or a page."""

from collections.abc import Mapping
from datetime import timedelta

_UNITS = {"temperature_c": "°C", "humidity": "%", "pressure": "hPa", "wind_speed": "m/s"}


def described(values: Mapping[str, float | None]) -> str:
    """Measures by their names with their units, those that were reported.

    >>> described({"temperature_c": 21.5, "humidity": None, "wind_speed": 3.0})
    '21.5 °C, 3 m/s'
    """
    told = (f"{value:g} {_UNITS[name]}" for name, value in values.items() if value is not None)
    return ", ".join(told)


def printable(raw: bytes) -> str:
    r"""A line from outside as text in which nothing acts.

    >>> printable(b"Oslo,\x00\xff")
    'Oslo,\\x00\\xff'
    """
    text = bytes(raw).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def length(span: timedelta) -> str:
    """How long something took or lasts, in its two largest units.

    >>> length(timedelta(hours=26, minutes=5)), length(timedelta(seconds=40))
    ('1 d 2 h', '40 s')
    """
    seconds = max(0, round(span.total_seconds()))
    parts = [("d", seconds // 86400), ("h", seconds // 3600 % 24), ("min", seconds // 60 % 60)]
    said = [f"{number} {unit}" for unit, number in parts if number]
    return " ".join(said[:2]) or f"{seconds} s"
