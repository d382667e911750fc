"""Quality events: a measure of a city fails the quality gate, until it is good again for a while.

What fails is decided in `quality_gate`, once a reading and before any rule sees it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from citywx.weather.alerting.events import Subject
from citywx.weather.alerting.finding import Finding
from citywx.weather.alerting.metrics import METRICS
from citywx.weather.alerting.policy import LIFE_KEYS, Kind, Policy, read_policy
from citywx.weather.alerting.quality_gate.gate import QualityGate
from citywx.weather.alerting.table_reader import TableReader
from citywx.weather.alerting.watched import Watched
from citywx.weather.quality.flags import QcFlag
from citywx.weather.reading import MEASURES, Reading

GOOD_READINGS = 3
"""So many in a row end an alert, where `[quality]` says nothing else."""


@dataclass(frozen=True, slots=True)
class QualityAlerts:
    """What `[quality]` in `alerts.toml` says: an alert for each measure in each city."""

    policy: Policy
    good_readings: int = GOOD_READINGS

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Of its alerts, one a measure."""
        return tuple(self._policy(measure) for measure in MEASURES)

    def watched(self, gate: QualityGate) -> tuple[Watched, ...]:
        """The same as definitions, one a measure, that listen to this gate."""
        return tuple(self._watched(gate, measure) for measure in MEASURES)

    def _watched(self, gate: QualityGate, measure: str) -> Watched:
        return Watched(
            self._policy(measure),
            Subject(measure, METRICS[measure].unit),
            lambda _: QualityDetector(gate, measure, self.good_readings),
        )

    def _policy(self, measure: str) -> Policy:
        return replace(self.policy, rule_id=f"{self.policy.rule_id}-{measure.partition('_')[0]}")


def read_quality(reader: TableReader) -> QualityAlerts:
    """The `[quality]` table; RuleError says what is wrong where."""
    reader.only(LIFE_KEYS | {"good_readings"}, "the quality table")
    good_readings = reader.count("good_readings", least=1, default=GOOD_READINGS)
    return QualityAlerts(read_policy(reader, Kind.QUALITY), good_readings)


class QualityDetector:
    """Finds one measure that fails the gate; the gate has just checked what is observed here."""

    def __init__(self, gate: QualityGate, measure: str, good_readings: int) -> None:
        self._gate = gate
        self._measure = measure
        self._place = Reading._fields.index(measure)
        self._wanted = good_readings
        self._good: dict[str, int] = {}
        """Of each city whose value failed: the good ones since."""

    def observe(self, reading: Reading) -> Sequence[Finding]:
        """Holds while the measure fails, and until enough good values have followed."""
        checked, city = self._gate.last, reading.city
        flag = checked.failed.get(self._measure) if checked is not None else None
        if checked is not None and flag is not None:
            self._good[city] = 0
            return (self._failed(checked.raw, flag),)
        if city not in self._good:
            return ()
        good = self._good[city] = self._good[city] + (reading[self._place] is not None)
        if good >= self._wanted:
            del self._good[city]
        details = {"measure": self._measure, "good_readings": good}
        return (Finding(city, reading.timestamp, int(good < self._wanted), details=details),)

    def dump(self) -> object:
        """The cities whose value failed, each with the good ones since."""
        return [[city, good] for city, good in self._good.items()]

    def restore(self, state: object) -> None:
        """Take up what `dump` gave; ValueError for anything else."""
        if not isinstance(state, list) or not all(map(_is_count, state)):
            message = "the state of quality alerts is not a list of cities and counts"
            raise ValueError(message)
        self._good = dict(state)

    def _failed(self, raw: Reading, flag: QcFlag) -> Finding:
        value = getattr(raw, self._measure)
        details = {
            "measure": self._measure,
            "value": value,
            "flag": flag.name,
            "sentence": flag.value,
        }
        return Finding(raw.city, raw.timestamp, 1, value, details=details)


def _is_count(entry: object) -> bool:
    return isinstance(entry, list) and [type(one) for one in entry] == [str, int]
