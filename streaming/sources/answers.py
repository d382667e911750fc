"""Taking values out of decoded JSON that may hold anything."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from citywx.weather.reading import MAX_TEXT_LENGTH, MEASURES, Reading
from streaming.sources.errors import UnreadableAnswerError

Json = Mapping[str, object]


def as_object(value: object, name: str) -> Json:
    """The value, which must be an object."""
    if not isinstance(value, dict):
        message = f"{name} is no object"
        raise UnreadableAnswerError(message)
    return value


def optional_object(body: Json, name: str) -> Json:
    """A field's object; empty where it is absent or null."""
    value = body.get(name)
    return {} if value is None else as_object(value, name)


def optional_number(body: Json, name: str) -> float | None:
    """A field's number; None where it is absent or null."""
    value = body.get(name)
    return None if value is None else number(value, name)


def number(value: object, name: str) -> float:
    """The value, which must be a finite number."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            as_float = float(value)
            if math.isfinite(as_float):
                return as_float
    except OverflowError:
        pass  # an integer that no float can hold is told below like any other wrong value
    message = f"{name} is no finite number"
    raise UnreadableAnswerError(message)


def unix_time(value: object, name: str) -> datetime:
    """A Unix time as aware UTC."""
    try:
        return datetime.fromtimestamp(number(value, name), UTC)
    except (ValueError, OverflowError, OSError):
        message = f"{name} is no time"
        raise UnreadableAnswerError(message) from None


def text_or_none(value: object) -> str | None:
    """A weather description fit for the log; None where there is none."""
    if not isinstance(value, str):
        return None
    text = " ".join(value.split())
    return text if text and text.isprintable() and len(text) <= MAX_TEXT_LENGTH else None


def with_measures(reading: Reading) -> Reading:
    """The reading, which must report at least one of the four measures."""
    if all(getattr(reading, name) is None for name in MEASURES):
        message = "the answer reports no measurement"
        raise UnreadableAnswerError(message)
    return reading
