"""What all detectors of patterns do with their memory: keep it for the same pattern only."""

from abc import ABC, abstractmethod
from typing import final

from citywx.weather.alerting.patterns import plain


class Remembering(ABC):
    """Takes up a memory only of a pattern that is exactly the same.

    The windows of one metric would else be read as those of another after a change of the rules.
    """

    def __init__(self, pattern: object) -> None:
        """`pattern`: a frozen definition, whose text says all that it is."""
        self._text = repr(pattern)

    @final
    def dump(self) -> object:
        """The memory as plain lists, with the pattern that it belongs to."""
        return [self._text, self._dump()]

    @final
    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else, and for another pattern's."""
        text, memory = plain.parts(state, 2)
        if text != self._text:
            message = "the state of a pattern should hold the same pattern"
            raise ValueError(message)
        self._restore(memory)

    @abstractmethod
    def _dump(self) -> object:
        """The memory as plain lists."""

    @abstractmethod
    def _restore(self, state: object) -> None:
        """Take up what `_dump` gave; ValueError for anything else."""
