"""`rise` and `fall`: a metric changes by an amount within a window.

It ends when the change, to the newest value from the extreme of the window, is small again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from citywx.weather.alerting.finding import Detector, Finding, Later
from citywx.weather.alerting.patterns.conditions import Move
from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.alerting.patterns.plain import stamp
from citywx.weather.alerting.patterns.reader import PatternReader
from citywx.weather.alerting.patterns.remembering import Remembering
from citywx.weather.alerting.patterns.repeated import repeated
from citywx.weather.reading import Reading

KEYS = ("metric", "by", "within", "clear")
_CLEAR_SHARE = 0.5
"""Of the amount, where `clear` is not given."""


@dataclass(frozen=True, slots=True)
class ChangePattern:
    """A metric rises or falls by an amount within a window."""

    crosses_cities: ClassVar[bool] = False
    move: Move

    @property
    def metric(self) -> str:
        """The metric of a finding's value: how far it changed."""
        return self.move.metric

    def detector(self, feed: Feed) -> Detector:
        """A detector that begins with no memory."""
        return ChangeDetector(self.move, feed)


def read_rise(reader: PatternReader) -> ChangePattern:
    """The table of a `rise`."""
    return _read(reader, rising=True)


def read_fall(reader: PatternReader) -> ChangePattern:
    """The table of a `fall`."""
    return _read(reader, rising=False)


def _read(reader: PatternReader, *, rising: bool) -> ChangePattern:
    by = reader.positive("by")
    clear = reader.clear_below("by", default=by * _CLEAR_SHARE)
    return ChangePattern(Move(reader.metric(), rising, by, reader.span(), clear))


class ChangeDetector(Remembering):
    """Finds where a metric has changed by the amount, until the change is small again."""

    def __init__(self, move: Move, feed: Feed) -> None:
        super().__init__(move)
        self._move = move
        self._watch = move.watch(feed)
        self._change = feed.change(move.metric, move.within, rising=move.rising)

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """A finding while the change is large, and one when it has become small."""
        held = reading.city in self._watch.holding
        holds = self._watch.holds(reading)
        if holds is None:
            return (repeated(reading),) if held else ()
        return (self._finding(reading, holds=holds),) if holds or held else ()

    def _finding(self, reading: Reading, *, holds: bool) -> Finding:
        change = self._change.of(reading) or 0.0
        origin = self._change.origin(reading.city)
        to = origin.value + change if self._move.rising else origin.value - change

        def details() -> dict[str, object]:
            return {"from": origin.value, "from_at": stamp(origin.seconds), "to": round(to, 6)}

        return Finding(
            reading.city,
            reading.timestamp,
            int(holds),
            round(change, 6),
            self._move.by,
            Later(details),
        )

    def _dump(self) -> object:
        return self._watch.dump()

    def _restore(self, state: object) -> None:
        self._watch.restore(state)
