"""What neighbours said lately: cities nearby, and other sources of the same city."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from citywx.weather.anomalies.model import CityModel
from citywx.weather.reading import MEASURES, Reading

Values = tuple[float, ...]

_KEPT: Final = 2  # slots: the one that is compared, and the one under way
_FIRST: Final = Reading._fields.index(MEASURES[0])
_LAST: Final = _FIRST + len(MEASURES)
_NAN: Final = math.nan


def other_source(city: str, source: str) -> str:
    """The name under which another source of a city is a neighbour of it.

    >>> other_source("Oslo", "open-meteo")
    'Oslo (open-meteo)'
    """
    return f"{city} ({source})"


def values_of(reading: Reading) -> Values:
    """The measures; not a number where not reported."""
    return tuple([_NAN if value is None else value for value in reading[_FIRST:_LAST]])  # type: ignore[misc]


class Heard:
    """The last slots of every series that some city is compared with."""

    def __init__(self, cities: Mapping[str, CityModel]) -> None:
        self._cadences = {
            one.neighbour: model.normal.cadence
            for model in cities.values()
            for one in model.normal.differences
        }
        self._slots: dict[str, dict[int, Values]] = {}

    def hear(self, name: str, hours: float, values: Values) -> None:
        """Keep the first values of a slot, if anybody is compared with the series."""
        cadence = self._cadences.get(name)
        if cadence is None:
            return
        slots = self._slots.setdefault(name, {})
        slots.setdefault(int(hours // cadence), values)
        if len(slots) > _KEPT:
            del slots[min(slots)]

    def said(self, name: str, slot: int, measure: int) -> float:
        """What a series said in a slot; not a number where that is not known."""
        values = self._slots.get(name, {}).get(slot)
        return _NAN if values is None else values[measure]

    def remembered(self) -> list[list[object]]:
        """All of it as plain lists; unknown values are None."""
        return [
            [name, slot, [None if math.isnan(value) else value for value in values]]
            for name, slots in self._slots.items()
            for slot, values in slots.items()
        ]

    def recall(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take up what `remembered` gave."""
        for name, slot, values in rows:
            known = tuple(_NAN if value is None else float(value) for value in values)
            self._slots.setdefault(str(name), {})[int(slot)] = known
