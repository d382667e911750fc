"""What the gate remembers of a city: numbers and their parts, and how they survive a restart."""

from collections.abc import Sequence
from math import isfinite
from typing import Protocol


class Kept(Protocol):
    """What can be put into a snapshot and taken up from it."""

    def dump(self) -> list[object]:
        """As what JSON holds."""

    def restore(self, values: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""


class Memory:
    """Numbers and parts, by slot. A number that is not known yet is not finite; dumped as None."""

    __slots__: Sequence[str] = ()

    def dump(self) -> list[object]:
        """What is remembered, in the order of the slots."""
        return [_dumped(getattr(self, name)) for name in self.__slots__]

    def restore(self, values: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        for name, value in zip(self.__slots__, fields_of(values, len(self.__slots__)), strict=True):
            mine: float | Kept = getattr(self, name)
            if not isinstance(mine, int | float):
                mine.restore(value)
            elif value is not None:
                setattr(self, name, number(value))


def fields_of(values: object, count: int) -> list[object]:
    """A dumped list of so many."""
    if not isinstance(values, list) or len(values) != count:
        message = f"the quality gate's state is not a list of {count}"
        raise ValueError(message)
    return values


def number(value: object) -> float:
    """A dumped number."""
    if not isinstance(value, int | float) or not isfinite(value):
        message = f"the quality gate's state holds {value!r}, not a number"
        raise ValueError(message)
    return value


def _dumped(value: "float | Kept") -> object:
    if isinstance(value, int | float):
        return value if isfinite(value) else None
    return value.dump()
