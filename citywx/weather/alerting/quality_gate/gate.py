"""The gate that a reading passes before any rule sees it.

A value that cannot be is taken out; one that hardly can is handed on and called suspect, except a
pressure that just left its level, which is taken out until the new level is believed: what a rule
would say of it is nearly always wrong. Readings of one city come in the order of their times.
Pure, incremental and without a clock. Standard library only. What another source or a later
reading tells belongs to the batch layer (`citywx.weather.quality`).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from citywx.weather.alerting.quality_gate.city_gate import CityGate
from citywx.weather.alerting.quality_gate.doubts import Doubts
from citywx.weather.alerting.quality_gate.norms import CityNorms
from citywx.weather.alerting.quality_gate.yardstick import GateLimits, Yardstick
from citywx.weather.quality.flags import DOUBTS, QcFlag
from citywx.weather.quality.limits import Limits
from citywx.weather.reading import Reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_NOTHING: Mapping[str, QcFlag] = MappingProxyType({})


class Checked(NamedTuple):
    """A reading that passed the gate."""

    reading: Reading
    """Without the values that no rule may judge."""
    raw: Reading
    """As it came."""
    failed: Mapping[str, QcFlag] = _NOTHING
    """Measures whose value cannot be, with the first reason."""
    suspect: Mapping[str, QcFlag] = _NOTHING
    """Measures whose value is doubtful, with the first reason."""
    flags: tuple[QcFlag, ...] = ()
    """All that were raised."""


class QualityGate:
    """Quality control of all cities."""

    def __init__(
        self,
        norms: Mapping[str, CityNorms] | None = None,
        limits: Limits | None = None,
        gate_limits: GateLimits | None = None,
    ) -> None:
        """Know what is usual in these cities."""
        self._limits, self._gate_limits = limits or Limits(), gate_limits or GateLimits()
        self._plain = self._yardstick(CityNorms())
        self._yardsticks = {city: self._yardstick(its) for city, its in (norms or {}).items()}
        self._cities: dict[str, tuple[CityGate, Yardstick]] = {}
        self._doubts = Doubts()
        """Empty: for the next reading."""
        self.last: Checked | None = None
        """The newest that was checked."""

    def check(self, reading: Reading) -> Checked:
        """The reading as rules may see it, and what is doubtful about it."""
        city, doubts = reading.city, self._doubts
        gate, against = self._cities.get(city) or self._enter(city)
        gate.judge(reading, (reading.timestamp - _EPOCH) / _HOUR, against, doubts)
        if not doubts.failing and not doubts.suspecting:
            checked = Checked(reading, reading)
        else:
            self._doubts = Doubts()
            checked = _checked(reading, doubts)
        self.last = checked
        return checked

    def dump(self) -> dict[str, object]:
        """What is remembered of each city, as what JSON holds."""
        return {city: gate.dump() for city, (gate, _) in self._cities.items()}

    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        if not isinstance(state, dict):
            message = "the quality gate's state is not a table of cities"
            raise ValueError(message)  # noqa: TRY004  # as for everything else that is not a state
        for city, its in state.items():
            self._enter(city)[0].restore(its)

    def _enter(self, city: str) -> tuple[CityGate, Yardstick]:
        """Begin anew in a city."""
        entered = (CityGate(), self._yardsticks.get(city, self._plain))
        self._cities[city] = entered
        return entered

    def _yardstick(self, norms: CityNorms) -> Yardstick:
        return Yardstick(self._limits, self._gate_limits, norms)


def _checked(raw: Reading, doubts: Doubts) -> Checked:
    failed = _by_measure(raw, doubts.failing)
    suspect = _by_measure(raw, doubts.suspecting)
    flags = (*doubts.failing, *doubts.suspecting)
    unjudged = [*failed]
    if QcFlag.PRESSURE_LEVEL in doubts.suspecting:
        unjudged.append("pressure")
    return Checked(_without(raw, unjudged) if unjudged else raw, raw, failed, suspect, flags)


def _without(reading: Reading, measures: Iterable[str]) -> Reading:
    fields: list[Any] = [*reading]
    for measure in measures:
        fields[Reading._fields.index(measure)] = None
    return Reading(*fields)


def _by_measure(reading: Reading, flags: Iterable[QcFlag]) -> dict[str, QcFlag]:
    """The first flag of each reported measure."""
    first: dict[str, QcFlag] = {}
    for flag in flags:
        for measure in DOUBTS[flag]:
            if getattr(reading, measure) is not None:
                first.setdefault(measure, flag)
    return first
