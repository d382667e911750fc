"""What a test remembers of one city: a few numbers, and how they survive a restart."""

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
    """Numbers by slot. Not known yet: not finite, and dumped as None."""

    __slots__: Sequence[str] = ()

    def dump(self) -> list[object]:
        """The numbers in the order of the slots."""
        values: list[float] = [getattr(self, name) for name in self.__slots__]
        return [value if isfinite(value) else None for value in values]

    def restore(self, values: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        for name, value in zip(self.__slots__, fields_of(values, len(self.__slots__)), strict=True):
            if value is not None:
                setattr(self, name, number(value))


class Parts:
    """Parts by slot, each of which is kept."""

    __slots__: Sequence[str] = ()

    def dump(self) -> list[object]:
        """The parts in the order of the slots."""
        return [getattr(self, name).dump() for name in self.__slots__]

    def restore(self, values: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        for name, value in zip(self.__slots__, fields_of(values, len(self.__slots__)), strict=True):
            getattr(self, name).restore(value)


def fields_of(values: object, count: int) -> list[object]:
    """A dumped list of so many."""
    if not isinstance(values, list) or len(values) != count:
        message = f"the quality gate's state is not a list of {count}"
        raise ValueError(message)
    return values


def number(value: object) -> float:
    """A dumped number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        message = f"the quality gate's state holds {value!r}, not a number"
        raise ValueError(message)
    return value
